import { EgressError } from "../errors.ts";
import type { VerifiedAgent } from "../model/agent.ts";
import type { Allow } from "../model/decision.ts";
import type { Rooms } from "../rooms.ts";
import type { Query } from "./parse-query.ts";
import { typeName } from "./wire.ts";

/**
 * in: Query · out: Allow · ends early with: policy.denied, policy.unavailable, identity.expired · next: answer-query.ts
 *
 * Asks policy for every query: what a search list appends (`api.example.svc.cluster.local`) is a name like any other, and unknown ones are
 * denied here instead of being asked about elsewhere.
 */
export async function decideName(query: Query, agent: VerifiedAgent, rooms: Pick<Rooms, "clock" | "policy" | "metrics">, signal: AbortSignal): Promise<Allow> {
  const { namespace, name, thread, user, labels, chain } = agent;
  const nowMs = rooms.clock.nowMs();
  if (agent.expiresAtMs <= nowMs) throw new EgressError("identity.expired", "the identity expired while the connection was open");
  const startedMs = rooms.clock.monotonicMs();
  const decision = await rooms.policy.decide("name", {
    version: 1, agent: { namespace, name, thread, user, labels, chain }, dns: { name: query.name, type: typeName(query.type) }, budgets: {},
    time: new Date(nowMs).toISOString(),
  }, signal);
  rooms.metrics.policyEvaluated("name", rooms.clock.monotonicMs() - startedMs);
  if (decision.kind === "allow") return decision;
  throw new EgressError("policy.denied", decision.reason, { explanation: { rule: decision.rule, reason: decision.reason, hint: decision.hint } });
}
