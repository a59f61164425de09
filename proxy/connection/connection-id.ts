import { randomInt } from "node:crypto";

/** Crockford's base 32: no I, L, O, U, so that an id can be read aloud. */
const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_DIGITS = 9;
const COUNT_DIGITS = 6;
const COUNT_LIMIT = 32 ** COUNT_DIGITS;

let lastMs = 0;
let count = 0;

/**
 * A new id for a connection, 15 characters: milliseconds, then a count that starts at random for each of them. Unique in this process
 * and, but for one chance in 2^30 within the same millisecond, among all; later ids sort after earlier ones, also when the clock goes back.
 */
export function newConnectionId(nowMs: number): string {
  if (nowMs > lastMs) {
    lastMs = nowMs;
    count = randomInt(COUNT_LIMIT / 2);
  } else {
    count += 1;
  }
  return digits(lastMs, TIME_DIGITS) + digits(count, COUNT_DIGITS);
}

function digits(value: number, length: number): string {
  let text = "";
  for (let rest = value; text.length < length; rest = Math.floor(rest / 32)) text = (DIGITS[rest % 32] ?? "") + text;
  return text;
}
