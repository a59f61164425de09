import { describeAmount } from "../../common/meters.ts";
import { EgressError } from "../errors.ts";
import type { Purse } from "./purse.ts";

/** The refusal of a budget without room: which, how much of how much, until when, and what would help. */
export function describeExhaustion(purse: Purse, nowMs: number): EgressError {
  const { spec: { budget, meter, window }, limit: { setting } } = purse;
  const { limit, settled, reserved } = purse.known(nowMs);
  const per = window === "total" ? "in total" : `per ${window}`;
  const open = reserved > 0n ? `, and ${describeAmount(meter, reserved)} held by what is still open` : "";
  const reason = `${budget} allows ${describeAmount(meter, limit)} ${per}; ${describeAmount(meter, settled)} spent${open}`;
  const explanation = { rule: `budget.${budget}`, reason, hint: `${opensAgain(purse)}. ${raise(purse, setting)}` };
  return new EgressError("budget.exhausted", reason, { opensAtMs: purse.shortage?.windowEndMs ?? null, explanation });
}

function opensAgain({ shortage }: Purse): string {
  const endsAtMs = shortage?.windowEndMs ?? null;
  return endsAtMs === null ? "It does not open again by itself" : `It opens again at ${new Date(endsAtMs).toISOString()}; do not retry before`;
}

function raise({ shortage, spec: { budget } }: Purse, setting: string): string {
  const percent = shortage?.waitsAtPercent ?? null;
  if (percent !== null) return `At ${percent} % it waits for a person: \`weir budget approve ${budget}\`.`;
  return `An operator can raise it: \`weir budget topup ${budget} AMOUNT\`, or for good ${setting}.`;
}
