import type { RegoValue } from "../rego-value.ts";
import { integer } from "./operands.ts";

/** Most bits that a number is moved by; more stops the policy. */
const SHIFT_LIMIT = 4_096n;

export function bitsOf(of: (a: bigint, b: bigint) => bigint | undefined): (argument: (index: number) => RegoValue) => RegoValue | undefined {
  return (argument) => {
    const a = exact(argument(0));
    const b = of.length < 2 ? 0n : exact(argument(1));
    const result = a === null || b === null ? undefined : of(a, b);
    return result === undefined ? undefined : integer(result);
  };
}

/** Undefined for less than nothing. */
export function shiftLeft(a: bigint, by: bigint): bigint | undefined {
  if (by > SHIFT_LIMIT) throw new Error("bits.lsh: more bits than are supplied");
  return by < 0n ? undefined : a << by;
}

/** Undefined for less than nothing. */
export function shiftRight(a: bigint, by: bigint): bigint | undefined {
  return by < 0n ? undefined : a >> by;
}

/** A whole number; null for anything else. @throws Error for one that was written with an exponent and of which JavaScript has only the nearest */
export function exact(value: RegoValue): bigint | null {
  if (typeof value === "bigint") return value;
  if (typeof value !== "number" || !Number.isInteger(value)) return null;
  if (!Number.isSafeInteger(value)) throw new Error("a whole number that cannot be held exactly");
  return BigInt(value);
}
