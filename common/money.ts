/** Money is whole nano-dollars: 1 USD = 10⁹. */
export const NANO_USD = 1_000_000_000n;

const DECIMALS = 9;
/** Ten digits before the point are more than a ledger keeps; the check for the limit follows. */
const DOLLARS = /^(\d{1,10})(?:\.(\d{1,9}))?$/;
const LIMIT = 2n ** 63n - 1n;

/**
 * Reads dollars, exactly: `12`, `12.5`, `0.000000001`.
 * @returns nano-dollars; null for anything else, a sign, an exponent or a tenth decimal too
 */
export function parseUsd(text: string): bigint | null {
  const match = DOLLARS.exec(text);
  if (match === null) return null;
  const [, whole = "0", fraction = ""] = match;
  const nano = BigInt(whole) * NANO_USD + BigInt(fraction.padEnd(DECIMALS, "0"));
  return nano > LIMIT ? null : nano;
}

/** Dollars, exactly, with at least two decimals: `12.50`, `0.000000001`. */
export function formatUsd(nano: bigint): string {
  const sign = nano < 0n ? "-" : "";
  const size = nano < 0n ? -nano : nano;
  const fraction = (size % NANO_USD).toString().padStart(DECIMALS, "0").replace(/0{1,7}$/, "");
  return `${sign}${size / NANO_USD}.${fraction}`;
}

/** For places that take numbers only, such as policy and metrics: dollars, rounded as a double is. */
export function usdNumber(nano: bigint): number {
  return Number(nano) / Number(NANO_USD);
}
