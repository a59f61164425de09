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
  const record = draft.toRecord("closed", rooms.clock);
  try {
    rooms.audit.enqueue(record);
  } catch (cause) {
    rooms.log.error("exchange.unrecorded", { exchangeId: incoming.exchangeId, error: describeError(cause) });
  }
  const { namespace, name: agent, thread } = incoming.connection.agent;
  const { modelUse } = record;
  rooms.metrics.exchangeClosed({
    namespace, agent, thread, outcome, code, durationMs: draft.durationMs(rooms.clock), ...draft.usage, ...(modelUse === undefined ? {} : { modelUse }), ...refusingBudget(error),
  });
  for (const { reference, place, count } of draft.redactions.recorded) rooms.metrics.secretsMasked(reference, place, count);
  if (error !== null) rooms.log[ERROR_TABLE[error.code].level]("exchange.ended", { exchangeId: incoming.exchangeId, code, detail: scrubWords(describeError(error), draft.secrets) });
}

/** The budget that refused or cut it: the rule of its refusal is `budget.ID`. */
function refusingBudget(error: ExchangeDraft["error"]): { readonly budget?: string } {
  const rule = error?.code === "budget.exhausted" ? error.explanation?.rule : undefined;
  return rule?.startsWith("budget.") === true ? { budget: rule.slice("budget.".length) } : {};
}
