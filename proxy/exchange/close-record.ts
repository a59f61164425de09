import { describeError } from "../../common/lifecycle.ts";
import { ERROR_TABLE } from "../errors.ts";
import type { ExchangeRecord } from "../model/record.ts";
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
  const pending = draft.noted?.pending ?? null;
  // A shadow that has not answered yet holds up the record, never the agent.
  if (pending === null) write(draft.withHindsight(record), rooms);
  else void pending.then(() => { write(draft.withHindsight(record), rooms); });
  const { namespace, name: agent, thread } = incoming.connection.agent;
  const { modelUse } = record;
  rooms.metrics.exchangeClosed({
    namespace, agent, thread, outcome, code, durationMs: draft.durationMs(rooms.clock), ...draft.usage, ...(modelUse === undefined ? {} : { modelUse }), ...refusingBudget(error),
  });
  for (const { reference, place, count } of draft.redactions.recorded) rooms.metrics.secretsMasked(reference, place, count);
  if (record.mcpFiltered !== undefined) rooms.metrics.mcpFiltered(record.mcpFiltered.hidden, record.mcpFiltered.withheld.length);
  if (error !== null) rooms.log[ERROR_TABLE[error.code].level]("exchange.ended", { exchangeId: incoming.exchangeId, code, detail: scrubWords(describeError(error), draft.secrets) });
}

function write(record: ExchangeRecord, { audit, log }: Pick<Rooms, "audit" | "log">): void {
  try {
    audit.enqueue(record);
  } catch (cause) {
    log.error("exchange.unrecorded", { exchangeId: record.exchangeId, error: describeError(cause) });
  }
}

/** The budget that refused or cut it: the rule of its refusal is `budget.ID`. */
function refusingBudget(error: ExchangeDraft["error"]): { readonly budget?: string } {
  const rule = error?.code === "budget.exhausted" ? error.explanation?.rule : undefined;
  return rule?.startsWith("budget.") === true ? { budget: rule.slice("budget.".length) } : {};
}
