import { randomBytes } from "node:crypto";

/** Crockford's base 32: no I, L, O, U, so that an id can be read aloud. */
const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH = 26;

/** A new id of a question and of the approval that it may become: `apr-` and 130 random bits, so that nobody guesses one. */
export function newApprovalId(): string {
  return `apr-${[...randomBytes(LENGTH)].map((byte) => DIGITS[byte % DIGITS.length]).join("")}`;
}
