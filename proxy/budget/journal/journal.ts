import type { Slice } from "../slice.ts";

/**
 * Remembers, for whoever comes after a crash, how much of each slice may be in use. What is not in it was not used: a byte leaves only when
 * `written` has resolved, or `cover` has returned, after the change.
 */
export interface Journal {
  /** Says who we are, before anything is asked of the store: what is granted to somebody unknown would be lost with us. @throws JournalBroken */
  begin(): void;
  /** The slice's numbers have changed; written with whatever is written next. */
  touch(slice: Slice): void;
  /** Resolves when all that was touched is in the file. @throws JournalBroken */
  written(): Promise<void>;
  /** Sees to it that what was touched is written soon; what a crash loses of it is charged as it was held. */
  writeSoon(): void;
  /** Writes at once. @throws JournalBroken */
  cover(): void;
  /** The store has confirmed that the slice is over. */
  forget(slice: Slice): void;
  /** @param isClean nothing is left to tell anybody: the journal goes too */
  close(isClean: boolean): void;
}

/** The disk took nothing, or it is not known what it took. */
export class JournalBroken extends Error {
  override readonly name = "JournalBroken";
}

/** For ledgers that end with their process. */
export const noJournal: Journal = { begin() {}, touch() {}, writeSoon() {}, written: async () => undefined, cover() {}, forget() {}, close() {} };
