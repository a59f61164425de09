import { describeError } from "../../common/lifecycle.ts";
import type { Amounts } from "../../common/meters.ts";
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
  draft.modelUse = draft.isSent ? modelUse(draft) : null;
  const used = usedBy(draft, rooms.clock.monotonicMs());
  const estimated = draft.modelUse?.isEstimated === true ? draft.modelUse.amounts : {};
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    try {
      await (draft.isSent ? reservation.settle(used, estimated) : reservation.release());
      return;
    } catch (error) {
      rooms.log.error("exchange.unsettled", { exchangeId: draft.incoming.exchangeId, attempt, error: describeError(error) });
    }
  }
}

function usedBy({ usage, openTime, modelUse: model }: ExchangeDraft, nowMs: number): Amounts {
  return { ...amountsOf(usage), seconds: openTime?.seconds(nowMs) ?? 0n, ...model?.amounts };
}

/** What a call of a model came to: as its provider says, or by an estimate where the answer did not come, or not all of it. */
function modelUse({ call, answerMeter, isAnswerWhole }: ExchangeDraft): ModelUse | null {
  if (call === null) return null;
  if (answerMeter === null) return call.watch(NO_STATUS, []).result("failed");
  return answerMeter.result(isAnswerWhole ? "complete" : "cut");
}

/** Of an answer that never began. */
const NO_STATUS = 0;
