import { EgressError } from "../errors.ts";
import type { Reservation } from "../budget/budget-ledger.ts";
import type { Allow } from "../model/decision.ts";
import type { Incoming } from "../model/incoming.ts";
import type { RequestHead } from "../model/request.ts";
import type { Rooms } from "../rooms.ts";

/**
 * in: Allow · out: Reservation · ends early with: budget.exhausted, budget.unavailable, request.body-limit · next: inject.ts
 *
 * Holds what the exchange may use before anything is done for it. A body that says itself that it is too large costs nothing.
 */
export function reserve(allow: Allow, head: RequestHead, incoming: Incoming, budget: Rooms["budget"]): Promise<Reservation> {
  const limitBytes = allow.obligations.maxRequestBytes;
  if (limitBytes !== undefined && head.framing.kind === "length" && head.framing.bytes > limitBytes) {
    throw new EgressError("request.body-limit", `content-length ${head.framing.bytes} over the limit of ${limitBytes} bytes`);
  }
  const { agent, signal } = incoming.connection;
  return budget.reserve({ id: incoming.exchangeId, agent, budgets: allow.budgets, amounts: { requests: 1n } }, signal);
}
