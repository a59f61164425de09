import { EgressError } from "../errors.ts";
import type { Opened } from "../model/connection.ts";
import type { Allow, Decision, Deny } from "../model/decision.ts";
import { withinHoldings } from "../model/holdings.ts";
import type { BodyReadings, ReadReport } from "../model/readings.ts";
import type { RequestHead } from "../model/request.ts";
import type { PolicyInput } from "../policy/policy-engine.ts";
import type { Rooms } from "../rooms.ts";
import { policyInput } from "./policy-input.ts";

/** One part of what is beyond the head: of a body that was read, or of an answer that is filtered. */
export interface PartRead extends BodyReadings {
  readonly read: ReadReport;
}

/** Whom a question of an exchange goes to, and who notes what was asked, for the record. */
export type Deciders = Pick<Rooms, "clock" | "policy" | "holdings" | "budget" | "metrics" | "readings"> & { readonly noteAsked?: (input: PolicyInput) => void };

/**
 * in: RequestHead, connection · out: Decision · ends early with: policy.unavailable, identity.expired · next: read-body.ts
 *
 * Asks for each request, again with what was read of it, and again for each open exchange after a change. The identity is looked at here, because a
 * kept-alive connection must not outlive its token; and what the agent holds, because policy alone lends nothing.
 */
export async function decide(head: RequestHead, connection: Opened, rooms: Deciders, part?: PartRead): Promise<Decision> {
  const asking = inputsOf(head, connection, rooms);
  const input = asking(part);
  rooms.noteAsked?.(input);
  const startedMs = rooms.clock.monotonicMs();
  const decision = await rooms.policy.decide("exchange", input, connection.signal);
  rooms.metrics.policyEvaluated("exchange", rooms.clock.monotonicMs() - startedMs);
  return withinHoldings(decision, rooms.holdings.of(connection.agent));
}

/** The same about all parts of a body, with one deadline. @returns the decisions in order, up to the first deny: it is the one of the record */
export async function decideAll(head: RequestHead, connection: Opened, rooms: Deciders, parts: readonly PartRead[]): Promise<readonly Decision[]> {
  const inputs = parts.map(inputsOf(head, connection, rooms));
  for (const input of inputs) rooms.noteAsked?.(input);
  const startedMs = rooms.clock.monotonicMs();
  const decided = await rooms.policy.decideAll("exchange", inputs, connection.signal);
  rooms.metrics.policyEvaluated("exchange", rooms.clock.monotonicMs() - startedMs);
  const holdings = rooms.holdings.of(connection.agent);
  const decisions = decided.map((decision) => withinHoldings(decision, holdings));
  const denied = decisions.findIndex(({ kind }) => kind === "deny");
  const decisive = inputs[denied];
  if (decisive !== undefined) rooms.noteAsked?.(decisive);
  return denied === -1 ? decisions : decisions.slice(0, denied + 1);
}

/** @throws EgressError `identity.expired` */
function inputsOf(head: RequestHead, connection: Opened, rooms: Deciders): (part?: PartRead) => PolicyInput {
  const nowMs = rooms.clock.nowMs();
  if (nowMs >= connection.agent.expiresAtMs) throw new EgressError("identity.expired", "the identity expired while its connection was open");
  const known = { ...policyInput(head, connection, rooms.budget.standing(connection.agent), nowMs), ...rooms.readings.ofHead(head) };
  return (part) => ({ ...known, ...part });
}

/** The same deciders, with somebody who notes what is asked. */
export function noting(noteAsked: NonNullable<Deciders["noteAsked"]>, { clock, policy, holdings, budget, metrics, readings }: Deciders): Deciders {
  return { clock, policy, holdings, budget, metrics, readings, noteAsked };
}

/** The allow, or the refusal that the deny is. @throws EgressError `policy.denied` with rule, reason and hint */
export function requireAllow(decision: Decision): Allow {
  if (decision.kind === "allow") return decision;
  if (decision.kind !== "deny") throw new EgressError("policy.unavailable", `nobody can ${decision.kind} here`);
  throw refusalOf(decision);
}

/** The refusal that a deny is. */
export function refusalOf({ rule, reason, hint }: Deny): EgressError {
  return new EgressError("policy.denied", reason, { explanation: { rule, reason, hint } });
}
