import { askAgain, type Again, type Asker } from "../ask-again.ts";
import type { PolicyInput } from "../policy-engine.ts";
import type { Step } from "../places.ts";
import { doubtsOf, NOT_OF_POLICY, type PastDecision, type Redacted, type Replayed } from "./past-decision.ts";
import { UNKNOWN, type PolicyReads } from "./policy-reads.ts";

const BODY = new Set<Step>(["llm", "mcp", "graphql", "json"]);

/** A place that is not recorded, and what may stand for it. */
type Unknown = Redacted & { readonly witnesses: readonly string[] | null };

/** Makes a decision of the past again by another policy. @throws nothing: an evaluation that fails is a doubt */
export async function replayDecision(past: PastDecision, policy: Asker, reads: PolicyReads): Promise<Replayed> {
  if (past.input === null) return { past, verdict: null, rule: null, doubts: ["the record has no input"] };
  const seen = new SeenBodies(policy);
  const unknown = past.redacted.map((place) => ({ ...place, witnesses: place.steps === null ? null : reads.witnesses(place.steps) }));
  const again = await attempt(seen, past, filled(past.input, unknown, 0));
  const others: Again[] = [];
  for (let round = 1; unknown.some(({ witnesses }) => (witnesses?.length ?? 0) > round); round += 1) others.push(await attempt(seen, past, filled(past.input, unknown, round)));
  const undecided = doubtsOf(past);
  if (again.kind === "undecided") return { past, verdict: null, rule: null, doubts: undecided.length > 0 ? undecided : [again.reason] };
  const holds = NOT_OF_POLICY.has(past.rule) && again.kind !== "deny" ? ["what the agent holds refused it, not the policy"] : [];
  const isAlike = others.every((other) => other.kind === again.kind && other.rule === again.rule);
  const places = unknown.filter((place) => matters(place, seen.read, isAlike)).map(({ text }) => `${text} is not recorded`);
  return { past, verdict: again.kind, rule: again.rule, doubts: [...undecided, ...holds, ...places] };
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
function matters({ steps, witnesses }: Unknown, read: ReadonlySet<Step>, isAlike: boolean): boolean {
  if (steps === null) return read.size > 0;
  if (steps[0] !== undefined && BODY.has(steps[0]) && !read.has(steps[0])) return false;
  return witnesses === null || (witnesses.length > 1 && !isAlike);
}

/** The input with something in each place whose name is all that is known: that a name is there may decide too. */
function filled(input: PolicyInput, unknown: readonly Unknown[], round: number): PolicyInput {
  const copy = structuredClone(input);
  for (const { steps, witnesses } of unknown) if (steps !== null) fill(copy, steps, witnesses?.[round] ?? witnesses?.at(-1) ?? UNKNOWN);
  return copy;
}

function fill(root: object, steps: readonly Step[], text: string): void {
  let at: object = root;
  for (const step of steps.slice(0, -1)) {
    const next: unknown = Object.hasOwn(at, step) ? (at as Record<Step, unknown>)[step] : undefined;
    if (typeof next !== "object" || next === null) return;
    at = next;
  }
  const last = steps.at(-1);
  if (last === undefined || Object.hasOwn(at, last)) return;
  const value = steps.length === 3 && steps[0] === "request" && steps[1] === "query" ? [text] : text;
  Object.defineProperty(at, last, { value, enumerable: true, configurable: true, writable: true });
}
