import { describeError } from "../../common/lifecycle.ts";
import { amountsOf } from "../model/usage.ts";
import type { Rooms } from "../rooms.ts";
import type { ExchangeDraft } from "./open-record.ts";

const ATTEMPTS = 2;

/**
 * in: ExchangeDraft · out: the reservation is over · never ends early · next: close-record.ts
 *
 * Charges what was used, or gives everything back if no byte can have left. A ledger that fails twice keeps the reservation: the agent
 * may be charged too much, never too little.
 */
export async function settle(draft: ExchangeDraft, rooms: Pick<Rooms, "log">): Promise<void> {
  const { reservation } = draft;
  if (reservation === null) return;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    try {
      await (draft.isSent ? reservation.settle(amountsOf(draft.usage)) : reservation.release());
      return;
    } catch (error) {
      rooms.log.error("exchange.unsettled", { exchangeId: draft.incoming.exchangeId, attempt, error: describeError(error) });
    }
  }
}
