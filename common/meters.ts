import { formatUsd, parseUsd } from "./money.ts";

/**
 * What a budget can count. `requests`: sent requests, tunnels and sessions. `bytes`: bodies of both directions (all bytes of a tunnel);
 * `bytes-out`: of them those that left; `bytes-in`: those that came back. `connections`: connections that were let through. `seconds`: wall time
 * that an exchange or a tunnel was open, begun seconds count whole. `tokens`: input and output tokens of language models together; the other
 * token meters count their part. `usd`: money, in nano-dollars.
 */
export const METERS = [
  "requests", "bytes", "bytes-out", "bytes-in", "connections", "seconds",
  "tokens", "input-tokens", "cached-input-tokens", "output-tokens", "reasoning-tokens", "usd",
] as const;
export type MeterName = (typeof METERS)[number];

/** The meters that only a reader of the request and its answer can count. */
export const MODEL_METERS: ReadonlySet<MeterName> = new Set<MeterName>(["tokens", "input-tokens", "cached-input-tokens", "output-tokens", "reasoning-tokens", "usd"]);

/** Whole amounts by meter, `usd` in nano-dollars; what is left out is 0. Never negative. */
export type Amounts = Readonly<Partial<Record<MeterName, bigint>>>;

/** The largest amount that any store keeps: a bigint of PostgreSQL. Nine billion dollars. */
export const AMOUNT_LIMIT = 2n ** 63n - 1n;

/**
 * Reads an amount as people write it.
 * @param text digits; for `usd` dollars with at most nine decimals
 * @returns null if it is none
 */
export function parseAmount(meter: MeterName, text: string): bigint | null {
  if (meter === "usd") return parseUsd(text);
  if (!/^\d{1,19}$/.test(text)) return null;
  const amount = BigInt(text);
  return amount > AMOUNT_LIMIT ? null : amount;
}

/** The amount with its unit, for people: `12 requests`, `$3.50`. */
export function describeAmount(meter: MeterName, amount: bigint): string {
  return meter === "usd" ? `$${formatUsd(amount)}` : `${amount} ${meter.replace("-", " ")}`;
}
