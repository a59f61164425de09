import { askAgain, type Again, type Asker } from "../ask-again.ts";
import type { PolicyInput } from "../policy-engine.ts";
import type { Step } from "../places.ts";
import { doubtsOf, NOT_OF_POLICY, type PastDecision, type Redacted, type Replayed } from "./past-decision.ts";
import type { PolicyReads } from "./policy-reads.ts";

/** Stands where a name is known and its value is not. */
const UNKNOWN = "(not recorded)";
const BODY = new Set<Step>(["llm", "mcp", "graphql", "json"]);

/** Makes a decision of the past again by another policy. @throws nothing: an evaluation that fails is a doubt */
export async function replayDecision(past: PastDecision, policy: Asker, reads: PolicyReads): Promise<Replayed> {
  if (past.input === null) return { past, verdict: null, rule: null, doubts: ["the record has no input"] };
  const seen = new SeenBodies(policy);
  const again = await attempt(seen, past, filled(past.input, past.redacted));
  const holds = NOT_OF_POLICY.has(past.rule) && again.kind !== "deny" ? ["what the agent holds refused it, not the policy"] : [];
  const doubts = [...doubtsOf(past), ...holds, ...past.redacted.filter((place) => matters(place, reads, seen.read)).map(({ text }) => `${text} is not recorded`)];
  if (again.kind === "undecided") return { past, verdict: null, rule: null, doubts: [again.reason] };
  return { past, verdict: again.kind, rule: again.rule, doubts };
}

/** Notes which parts of the body the policy was given. */
class SeenBodies implements Asker {
  readonly #policy: Asker;
  readonly read = new Set<Step>();

  constructor(policy: Asker) {
    this.#policy = policy;
  }

  readonly decide: Asker["decide"] = (question, input, signal) => {
    for (const name of BODY) if (name in input) this.read.add(name);
    return this.#policy.decide(question, input, signal);
  };
}

async function attempt(policy: Asker, { question }: PastDecision, input: PolicyInput): Promise<Again> {
  try {
    return await askAgain(policy, question, input, new AbortController().signal);
  } catch {
    return { kind: "undecided", reason: "the policy could not be evaluated" };
  }
}

/** A place of the body does not matter to a policy that decided without it. */
function matters({ steps }: Redacted, reads: PolicyReads, read: ReadonlySet<Step>): boolean {
  if (steps === null) return read.size > 0;
  if (steps[0] !== undefined && BODY.has(steps[0]) && !read.has(steps[0])) return false;
  return reads.mayRead(steps);
}

/** The input with something in each place whose name is all that is known: that a name is there may decide too. */
function filled(input: PolicyInput, redacted: readonly Redacted[]): PolicyInput {
  const copy = structuredClone(input);
  for (const { steps } of redacted) if (steps !== null) fill(copy, steps);
  return copy;
}

function fill(root: object, steps: readonly Step[]): void {
  let at: object = root;
  for (const step of steps.slice(0, -1)) {
    const next: unknown = Object.hasOwn(at, step) ? (at as Record<Step, unknown>)[step] : undefined;
    if (typeof next !== "object" || next === null) return;
    at = next;
  }
  const last = steps.at(-1);
  if (last === undefined || Object.hasOwn(at, last)) return;
  const value = steps[0] === "request" && steps[1] === "query" ? [UNKNOWN] : UNKNOWN;
  Object.defineProperty(at, last, { value, enumerable: true, configurable: true, writable: true });
}
