import { describeError } from "../../common/lifecycle.ts";
import { ERROR_TABLE } from "../errors.ts";
import type { Rooms } from "../rooms.ts";
import type { ExchangeDraft } from "./open-record.ts";
import { scrubWords } from "./scrub.ts";

/**
 * in: ExchangeDraft · out: audit, metrics, log · never ends early · last stage
 *
 * Every exchange ends here once. The end is spooled, not awaited: the effect is over, and an audit log that cannot take it turns unhealthy
 * and refuses the next decision.
 */
export function closeRecord(draft: ExchangeDraft, rooms: Pick<Rooms, "audit" | "clock" | "log" | "metrics">): void {
  const { incoming, error } = draft;
  const code = error?.code ?? "ok";
  const outcome = error?.outcome ?? "allowed";
  try {
    rooms.audit.enqueue(draft.toRecord("closed", rooms.clock));
  } catch (cause) {
    rooms.log.error("exchange.unrecorded", { exchangeId: incoming.exchangeId, error: describeError(cause) });
  }
  rooms.metrics.exchangeClosed({ agent: incoming.connection.agent.name, outcome, code, durationMs: draft.durationMs(rooms.clock), ...draft.usage });
  for (const { reference, place, count } of draft.redactions.recorded) rooms.metrics.secretsMasked(reference, place, count);
  if (error !== null) rooms.log[ERROR_TABLE[error.code].level]("exchange.ended", { exchangeId: incoming.exchangeId, code, detail: scrubWords(describeError(error), draft.secrets) });
}
