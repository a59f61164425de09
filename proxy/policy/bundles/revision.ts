/** The most that a revision counts to; more than anybody publishes, and a number holds it exactly. */
const NUMBER_LIMIT = 999_999_999_999_999;
const SHAPE = /^(0|[1-9][0-9]{0,14})(?:-[A-Za-z0-9._-]{1,100})?$/;

/** How a revision must look so that it has an order. */
export const REVISION_FORM = "a whole number, then perhaps a hyphen and a name, as in `42` or `42-npm-read-only`";

/**
 * The number by which a revision is ordered; what follows its hyphen is for people.
 * @returns null if the revision has no order
 */
export function revisionNumber(revision: string): number | null {
  const number = Number(SHAPE.exec(revision)?.[1] ?? Number.NaN);
  return Number.isSafeInteger(number) && number <= NUMBER_LIMIT ? number : null;
}

/** A bundle as far as order goes. */
export interface Ordered {
  readonly revision: string;
  /** Of its content; null: any. */
  readonly digest: string | null;
}

/** How one bundle follows another: `conflict` is the same number with other content, `unordered` a revision that is no number. */
export type Step = "up" | "same" | "lower" | "conflict" | "unordered";

/** @param before null: there is none */
export function stepFrom(before: Ordered | null, next: Ordered): Step {
  const number = revisionNumber(next.revision);
  if (number === null) return "unordered";
  const floor = before === null ? null : revisionNumber(before.revision);
  if (before === null || floor === null || number > floor) return "up";
  if (number < floor) return "lower";
  return before.digest === null || before.digest === next.digest ? "same" : "conflict";
}
