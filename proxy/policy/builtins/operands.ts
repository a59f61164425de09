import type { RegoValue } from "../rego-value.ts";
import type { Builtin } from "../host-calls.ts";

/** A builtin that takes text and nothing else; undefined for any other kind of argument, as in OPA. */
export function ofTexts(of: (...texts: readonly [string, string, string, string]) => RegoValue | undefined): Builtin {
  return (...args) => (args.every((arg) => typeof arg === "string") ? of(...args as unknown as readonly [string, string, string, string]) : undefined);
}

/** A whole number of 64 bits; null for anything else. */
export function whole(value: RegoValue | undefined): bigint | null {
  if (typeof value !== "bigint" && !(typeof value === "number" && Number.isInteger(value))) return null;
  const exact = BigInt(value);
  return BigInt.asIntN(64, exact) === exact ? exact : null;
}

/** A number if it is held without loss, else a bigint: what `readValue` gives. */
export function integer(value: bigint): number | bigint {
  const near = Number(value);
  return Number.isSafeInteger(near) ? near : value;
}

/** Places in text and lists are counted so far by OPA's WebAssembly. */
const LARGEST_PLACE = 2n ** 31n - 1n;

/** The nearest number that is a place, for arguments that say how far. */
export function clamped(value: bigint): number {
  if (value > LARGEST_PLACE) return Number(LARGEST_PLACE);
  return Number(value < -LARGEST_PLACE ? -LARGEST_PLACE : value);
}
