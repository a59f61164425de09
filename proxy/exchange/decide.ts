import { EgressError } from "../errors.ts";
import type { Opened } from "../model/connection.ts";
import type { Allow, Decision, Deny } from "../model/decision.ts";
import { withinHoldings } from "../model/holdings.ts";
import type { RequestHead } from "../model/request.ts";
import type { Rooms } from "../rooms.ts";
import { policyInput } from "./policy-input.ts";

/**
 * in: RequestHead, connection · out: Decision · ends early with: policy.unavailable, identity.expired · next: measure.ts
 *
 * Asks for each request, and again for each open exchange after a change. The identity is looked at here, because a kept-alive connection
 * must not outlive its token; and what the agent holds, because policy alone lends nothing.
 */
export async function decide(head: RequestHead, connection: Opened, rooms: Pick<Rooms, "clock" | "policy" | "holdings" | "budget" | "metrics">): Promise<Decision> {
  const nowMs = rooms.clock.nowMs();
  if (nowMs >= connection.agent.expiresAtMs) throw new EgressError("identity.expired", "the identity expired while its connection was open");
  const startedMs = rooms.clock.monotonicMs();
  const input = policyInput(head, connection, rooms.budget.standing(connection.agent), nowMs);
  const decision = await rooms.policy.decide("exchange", input, connection.signal);
  rooms.metrics.policyEvaluated("exchange", rooms.clock.monotonicMs() - startedMs);
  return withinHoldings(decision, rooms.holdings.of(connection.agent));
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

/** Why an exchange that is under way must end, by what policy says today; null while it may go on. Never rejects. */
export async function noLongerAllowed(head: RequestHead, connection: Opened, before: Allow, rooms: Parameters<typeof decide>[2]): Promise<EgressError | null> {
  try {
    requireGrants(requireAllow(await decide(head, connection, rooms)), before);
    return null;
  } catch (error) {
    return EgressError.from(error);
  }
}

/** What runs on a lent credential ends when policy no longer lends it. @throws EgressError `policy.denied` */
function requireGrants(today: Allow, before: Allow): void {
  const lost = before.grants.find((grant) => !today.grants.includes(grant));
  if (lost === undefined) return;
  const reason = `grant ${lost} is no longer lent to this request`;
  throw new EgressError("policy.denied", reason, { explanation: { rule: today.rule, reason, hint: "Send the request again: it will be decided by today's policy." } });
}
