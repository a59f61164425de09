import { EgressError } from "../errors.ts";
import type { VerifiedAgent } from "../model/agent.ts";
import type { Allow, Decision } from "../model/decision.ts";
import type { Noted } from "../policy/hindsight.ts";
import type { PolicyInput } from "../policy/policy-engine.ts";
import type { Rooms } from "../rooms.ts";
import type { Query } from "./parse-query.ts";
import { typeName } from "./wire.ts";

/** Whom a question about a name goes to, and who takes the answer down. */
export type NameDeciders = Pick<Rooms, "clock" | "hindsight" | "metrics" | "policy"> & { readonly noteDecided: (decision: Decision, noted: Noted) => void };

/**
 * in: Query · out: Allow · ends early with: policy.denied, policy.unavailable, identity.expired · next: answer-query.ts
 *
 * Asks policy for every query: what a search list appends (`api.example.svc.cluster.local`) is a name like any other, and unknown ones are
 * denied here instead of being asked about elsewhere.
 */
export async function decideName(query: Query, agent: VerifiedAgent, rooms: NameDeciders, signal: AbortSignal): Promise<Allow> {
  const { namespace, name, thread, user, labels, chain } = agent;
  const nowMs = rooms.clock.nowMs();
  if (agent.expiresAtMs <= nowMs) throw new EgressError("identity.expired", "the identity expired while the connection was open");
  const startedMs = rooms.clock.monotonicMs();
  const input: PolicyInput = {
    version: 1, agent: { namespace, name, thread, user, labels, chain }, dns: { name: query.name, type: typeName(query.type) }, budgets: {},
    time: new Date(nowMs).toISOString(),
  };
  const decision = await rooms.policy.decide("name", input, signal);
  rooms.noteDecided(decision, rooms.hindsight.note("name", [input], decision));
  rooms.metrics.policyEvaluated("name", rooms.clock.monotonicMs() - startedMs);
  if (decision.kind === "allow") return decision;
  throw new EgressError("policy.denied", decision.reason, { explanation: { rule: decision.rule, reason: decision.reason, hint: decision.hint } });
}
