import { describeError } from "../../common/lifecycle.ts";
import type { ModelUse } from "../model/metered-call.ts";
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
export async function settle(draft: ExchangeDraft, rooms: Pick<Rooms, "clock" | "log">): Promise<void> {
  const { reservation } = draft;
  if (reservation === null) return;
  draft.modelUse = draft.isSent ? modelUse(draft, rooms.log) : null;
  // A call that nobody could count is charged at its worst.
  const ofModel = draft.modelUse?.amounts ?? draft.call?.worstCase ?? {};
  const used = { ...amountsOf(draft.usage), seconds: draft.openTime?.seconds(rooms.clock.monotonicMs()) ?? 0n, ...ofModel };
  const estimated = draft.modelUse?.isEstimated === false ? {} : ofModel;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    try {
      await (draft.isSent ? reservation.settle(used, estimated) : reservation.release());
      return;
    } catch (error) {
      rooms.log.error("exchange.unsettled", { exchangeId: draft.incoming.exchangeId, attempt, error: describeError(error) });
    }
  }
}

/** What a call of a model came to: as its provider says, or by an estimate where the answer did not come, or not all of it. */
function modelUse({ call, answerMeter, isAnswerWhole, incoming }: ExchangeDraft, log: Rooms["log"]): ModelUse | null {
  if (call === null) return null;
  try {
    if (answerMeter === null) return call.watch(NO_STATUS, []).result("failed");
    return answerMeter.result(isAnswerWhole ? "complete" : "cut");
  } catch (error) {
    log.error("exchange.uncounted", { exchangeId: incoming.exchangeId, error: describeError(error) });
    return null;
  }
}

/** Of an answer that never began. */
const NO_STATUS = 0;
