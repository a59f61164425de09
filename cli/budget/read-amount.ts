import { EXIT, UserError } from "../../common/exit-codes.ts";
import { describeAmount, parseAmount, type MeterName } from "../../common/meters.ts";

/**
 * Reads an amount of a budget's meter as people write it; for dollars a `$` may stand before it.
 * @throws UserError that says how to write it
 */
export function readAmount(meter: MeterName, text: string): bigint {
  const amount = parseAmount(meter, meter === "usd" ? text.replace(/^\$/, "") : text);
  if (amount !== null) return amount;
  const hint = meter === "usd"
    ? "Write dollars with at most nine decimals, without commas or a sign: 25, 0.50, 0.000000001."
    : `Write a whole number of ${meter}, without separators: 20000.`;
  throw new UserError(`"${text}" is no amount of ${meter}`, hint, EXIT.usage);
}

/** The amount without its unit, for a column under METER: dollars with `$` and at least two decimals. */
export function shortAmount(meter: MeterName, amount: bigint): string {
  return meter === "usd" ? describeAmount(meter, amount) : String(amount);
}
