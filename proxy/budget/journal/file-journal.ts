import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, unlinkSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { lockFile } from "../../../common/file-lock.ts";
import type { Slice } from "../slice.ts";
import { JournalBroken, type Journal } from "./journal.ts";
import { journalLine, type JournalHead } from "./journal-lines.ts";

/** The file is written anew when it is so large: all but the last line of each slice says nothing any more. */
const COMPACT_BYTES = 1 << 20;

/** What may wait, waits so long for something to be written with. */
const SOON_MS = 10;

/** Where a journal's lock is. The kernel holds it for as long as the process lives. */
export const lockOf = (path: string): string => `${path}.lock`;

/**
 * An append-only file, made with the first slice: who spends nothing leaves nothing behind. write(2) is enough for a killed process; for a power
 * loss there is the boot id in its head. After a write that failed, the file is written anew before anything else is: no line follows a torn one.
 */
export class FileJournal implements Journal {
  readonly #path: string;
  readonly #head: JournalHead;
  readonly #touched = new Set<Slice>();
  readonly #slices = new Map<number, Slice>();
  readonly #ended: number[] = [];
  #fd: number | null = null;
  #unlock: (() => void) | null = null;
  #bytes = 0;
  #numbers = 0;
  #isBroken = false;
  #isClosed = false;
  #pending: Promise<void> | null = null;
  #soon: NodeJS.Timeout | null = null;

  constructor(path: string, head: JournalHead) {
    this.#path = path;
    this.#head = head;
  }

  begin(): void {
    if (this.#fd === null) this.#write();
  }

  touch(slice: Slice): void {
    this.#touched.add(slice);
  }

  /** All that is touched in one turn of the event loop is one write. */
  written(): Promise<void> {
    if (this.#pending === null) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.#pending = promise;
      setImmediate(() => {
        this.#pending = null;
        try {
          this.cover();
          resolve();
        } catch (error) {
          reject(error);
        }
      });
    }
    return this.#pending;
  }

  writeSoon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = null;
      void this.written().catch(() => undefined);
    }, SOON_MS).unref();
  }

  cover(): void {
    if (this.#touched.size > 0 || this.#ended.length > 0) this.#write();
  }

  #write(): void {
    if (this.#isClosed) throw new JournalBroken("the journal of budgets is closed");
    try {
      if (this.#fd === null || this.#isBroken || this.#bytes > COMPACT_BYTES) this.#rewrite();
      else this.#append([...this.#openings(), ...this.#ended.map((number) => `-${number}`), ...[...this.#touched].map(stateOf)].join(";\t"));
      this.#touched.clear();
      this.#ended.length = 0;
    } catch (cause) {
      this.#isBroken = true;
      throw new JournalBroken("the journal of budgets cannot be written", { cause });
    }
  }

  forget(slice: Slice): void {
    this.#touched.delete(slice);
    if (this.#slices.delete(slice.journalNumber)) this.#ended.push(slice.journalNumber);
  }

  close(isClean: boolean): void {
    this.#isClosed = true;
    if (this.#soon !== null) clearTimeout(this.#soon);
    const [fd, unlock] = [this.#fd, this.#unlock];
    this.#fd = null;
    this.#unlock = null;
    if (fd !== null) closeSync(fd);
    if (unlock === null) return;
    if (isClean) removeJournal(this.#path);
    unlock();
  }

  /** Gives a number to each slice that has none yet. @returns what introduces them */
  #openings(): string[] {
    const openings: string[] = [];
    for (const slice of this.#touched) {
      if (slice.journalNumber !== 0) continue;
      slice.journalNumber = this.#numbers += 1;
      this.#slices.set(slice.journalNumber, slice);
      openings.push(openingOf(slice));
    }
    return openings;
  }

  #append(text: string): void {
    if (this.#fd === null) throw new Error("the journal is closed");
    const line = Buffer.from(journalLine(text));
    for (let at = 0; at < line.byteLength;) at += writeSync(this.#fd, line, at);
    this.#bytes += line.byteLength;
  }

  /** The whole file anew, in place of the old one in one step. */
  #rewrite(): void {
    const isFirst = this.#unlock === null;
    this.#unlock ??= lockJournal(this.#path);
    this.#openings();
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
    const draft = `${this.#path}.new`;
    this.#fd = openSync(draft, "w", 0o600);
    this.#bytes = 0;
    this.#append(JSON.stringify(this.#head));
    for (const slice of this.#slices.values()) this.#append(`${openingOf(slice)};\t${stateOf(slice)}`);
    // Its head at least outlives a power loss, so that somebody knows whose slices are to be charged whole.
    if (isFirst) fsyncSync(this.#fd);
    renameSync(draft, this.#path);
    this.#isBroken = false;
  }
}

function openingOf(slice: Slice): string {
  return `+${slice.journalNumber} ${slice.windowStartMs} ${slice.key}`;
}

function stateOf(slice: Slice): string {
  const open = slice.used + slice.reserved;
  const ahead = slice.ahead < slice.free ? slice.ahead : slice.free;
  slice.covered = slice.reserved === 0n ? open : open + ahead;
  return `${slice.journalNumber} ${slice.used} ${slice.estimated} ${slice.covered}`;
}

function lockJournal(path: string): () => void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const unlock = lockFile(lockOf(path));
  if (unlock === null) throw new Error("the lock of a new name is taken");
  return unlock;
}

/** Takes a journal and its lock away. */
export function removeJournal(path: string): void {
  for (const name of [path, `${path}.new`, lockOf(path)]) {
    try {
      unlinkSync(name);
    } catch {
      // It was never written.
    }
  }
}
