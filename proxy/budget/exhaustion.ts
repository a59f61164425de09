import { describeAmount } from "../../common/meters.ts";
import { EgressError } from "../errors.ts";
import type { Account } from "./account.ts";

/** The refusal of a budget without room: which, how much of how much, until when, and what would help. */
export function describeExhaustion(account: Account): EgressError {
  const { id, meter, limit, window, setting } = account.of;
  const per = window === "total" ? "in total" : `per ${window}`;
  const used = account.settled + account.reserved;
  const reason = `${id} allows ${describeAmount(meter, limit)} ${per}; ${used} are used${account.reserved > 0n ? ` (${account.reserved} of them by what is still open)` : ""}`;
  const { endsAtMs } = account;
  const opens = endsAtMs === null ? "It does not open again by itself" : `It opens again at ${new Date(endsAtMs).toISOString()}`;
  return new EgressError("budget.exhausted", reason, { explanation: { rule: `budget.${id}`, reason, hint: `${opens}; do not retry before. An operator can raise ${setting}.` } });
}
