import { READINGS, type ReadingName } from "../model/readings.ts";
import type { Answers, PolicyEngine, PolicyInput, Question } from "./policy-engine.ts";

/** A decision that cannot be made from what is known, and why. */
export interface Undecided {
  readonly kind: "undecided";
  readonly reason: string;
}

export type Again = Exclude<Answers[Question], { readonly kind: "read" }> | Undecided;

/** Who is asked: a policy, whether or not it is in force. */
export type Asker = Pick<PolicyEngine, "decide">;

/**
 * Asks a policy what another was asked, as the boundary would: first by the head alone, then with as much of the body as this one wants to read. What it
 * wants and the other did not read is not known, and then nothing is decided.
 * @param input the last that the other was asked, with what was read of the body
 * @throws EgressError `policy.unavailable`
 */
export async function askAgain(policy: Asker, question: Question, input: PolicyInput, signal: AbortSignal): Promise<Again> {
  const byHead = await policy.decide(question, headOf(input), signal);
  if (byHead.kind !== "read") return byHead;
  const missing = byHead.readings.filter((name) => input.read?.[name] === undefined);
  if (missing.length > 0) return { kind: "undecided", reason: `it reads ${missing.join(" and ")} of the body, which was not read` };
  const decided = await policy.decide(question, withReadings(input, byHead.readings), signal);
  return decided.kind === "read" ? { kind: "undecided", reason: "it asks again for a body that was read" } : decided;
}

function headOf({ read: _, llm: _llm, mcp: _mcp, graphql: _graphql, json: _json, ...head }: PolicyInput): PolicyInput {
  return head;
}

/** The input as this policy would be given it: other readings are not there, and nobody says that they were tried. */
function withReadings(input: PolicyInput, wanted: readonly ReadingName[]): PolicyInput {
  const kept: Record<string, unknown> = {};
  for (const name of READINGS.filter((one) => wanted.includes(one))) if (input[name] !== undefined) kept[name] = input[name];
  return { ...headOf(input), ...kept, read: Object.fromEntries(wanted.map((name) => [name, input.read?.[name] ?? null])) };
}
