import { isDeepStrictEqual } from "node:util";
import type { SliceReport } from "./ledger-store.ts";
import { least, most, outstandingOf, roomOf, type Page } from "./rows.ts";

export interface Settled {
  readonly page: Page;
  /** Used out of what an operator had written off and others have spent since: over the limit, and told this once. */
  readonly overspent: bigint;
}

/**
 * Takes note of what became of a slice. What was said before, or says less than what is known, changes nothing; more than was granted is not
 * believed, because it would break the cap.
 */
export function settleOn(found: Page, report: SliceReport): Settled {
  const page = takeBack(found);
  const { account, window, slice } = page;
  const held = outstandingOf(slice);
  const used = most(slice.used, least(report.used, slice.used + held));
  const left = held - (used - slice.used);
  const returned = report.isOver ? slice.returned + left : most(slice.returned, least(report.returned, slice.returned + left));
  const overspent = most(0n, least(report.used - used, slice.writtenOff));
  const estimated = least(most(slice.estimated, report.estimated), used + overspent);
  const settled = { ...slice, used: used + overspent, writtenOff: slice.writtenOff - overspent, estimated, returned, isOver: slice.isOver || report.isOver };
  if (isDeepStrictEqual(settled, slice)) return { page, overspent };
  const all = window.settled + used - slice.used;
  const noted = { ...window, settled: all, estimated: least(all, window.estimated + estimated - slice.estimated), outstanding: window.outstanding - held + outstandingOf(settled) };
  return { page: { account, slice: settled, window: noted }, overspent };
}

/** What was written off while its holder was silent is outstanding again when it speaks, as far as there is room. */
export function takeBack({ account, window, slice }: Page): Page {
  const back = least(slice.writtenOff, most(0n, roomOf(account, window)));
  if (back === 0n) return { account, window, slice };
  return { account, window: { ...window, outstanding: window.outstanding + back }, slice: { ...slice, writtenOff: slice.writtenOff - back } };
}
