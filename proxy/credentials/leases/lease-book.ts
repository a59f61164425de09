import { existsSync, mkdirSync, readdirSync, unlinkSync } from "node:fs";
import { open, rename, type FileHandle } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { lockFile } from "../../../common/file-lock.ts";
import { formatEntry, formatStrike, keyOf, type BookedLease } from "./lease-lines.ts";
import type { Reclaim } from "../secret-source.ts";

/** Leases that one process may have out; more are refused, because what is not written down would be lost with the process. */
const ENTRY_LIMIT = 65_536;
/** The file is written anew when it has this many lines and most of them say nothing any more. */
const COMPACT_LINES = 4_096;
const WORTHWHILE = 4;

interface Line {
  readonly text: string;
  readonly written: PromiseWithResolvers<void>;
}

/**
 * What this process has leased and not yet given back, in a file of its own: each line is on the disk before the lease is used. It holds ids,
 * which open nothing. The kernel keeps the lock beside it for as long as the process lives, so that the next one knows whose leases are orphans.
 */
export class LeaseBook {
  readonly #directory: string;
  readonly #store: string;
  readonly #path: string;
  readonly #entries = new Map<string, BookedLease>();
  #unlock: (() => void) | null = null;
  #file: FileHandle | null = null;
  #lines = 0;
  #waiting: Line[] = [];
  #writing: Promise<void> | null = null;
  #isBroken = false;

  /**
   * @param directory made, mode 0700, with the first lease: who leases nothing leaves nothing behind
   * @param store address of the store whose leases these are: ids of one mean nothing to another
   */
  constructor(directory: string, store: string) {
    this.#directory = directory;
    this.#store = store;
    this.#path = join(directory, `${randomBytes(8).toString("hex")}.book`);
  }

  /** Leases in the book. */
  get size(): number {
    return this.#entries.size;
  }

  /** Resolves when the entry is on the disk. @param owner instance and grant, empty where there is none @throws Error */
  async enter(reclaim: Reclaim, { grant, instance }: Pick<BookedLease, "grant" | "instance">, nowMs: number): Promise<void> {
    if (this.#entries.size >= ENTRY_LIMIT) throw new Error(`more than ${ENTRY_LIMIT} leases are out`);
    const entry = { ...reclaim, store: this.#store, grant, instance, atMs: nowMs };
    this.#entries.set(keyOf(reclaim), entry);
    await this.#append(formatEntry(entry));
  }

  /** The store has confirmed that it is gone. */
  async strike(reclaim: Reclaim): Promise<void> {
    if (this.#entries.delete(keyOf(reclaim))) await this.#append(formatStrike(reclaim));
  }

  /** Leaves the file where anything is still out; otherwise nothing stays. */
  async close(): Promise<void> {
    await this.#writing?.catch(() => undefined);
    await this.#file?.close();
    this.#file = null;
    const unlock = this.#unlock;
    this.#unlock = null;
    if (unlock === null) return;
    if (this.#entries.size === 0) removeBook(this.#path);
    unlock();
  }

  async #append(text: string): Promise<void> {
    const line = { text, written: Promise.withResolvers<void>() };
    this.#waiting.push(line);
    this.#writing ??= this.#writeAll().finally(() => { this.#writing = null; });
    await line.written.promise;
  }

  /** All that wait are one write and one wait for the disk. */
  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      try {
        await this.#write(lines.map(({ text }) => text));
        for (const { written } of lines) written.resolve();
      } catch (error) {
        this.#isBroken = true;
        for (const { written } of lines) written.reject(error);
      }
    }
  }

  async #write(lines: readonly string[]): Promise<void> {
    if (this.#file === null || this.#isBroken || (this.#lines > COMPACT_LINES && this.#lines > this.#entries.size * WORTHWHILE)) {
      await this.#rewrite();
      return;
    }
    await this.#file.appendFile(lines.join(""));
    await this.#file.datasync();
    this.#lines += lines.length;
  }

  /** The whole book anew, in place of the old one in one step. The lines that wait are in it already. */
  async #rewrite(): Promise<void> {
    this.#unlock ??= lockBook(this.#directory, this.#path);
    await this.#file?.close();
    this.#file = null;
    const draft = await open(`${this.#path}.new`, "w", 0o600);
    this.#file = draft;
    await draft.appendFile([...this.#entries.values()].map(formatEntry).join(""));
    await draft.sync();
    await rename(`${this.#path}.new`, this.#path);
    await syncDirectory(this.#directory);
    this.#lines = this.#entries.size;
    this.#isBroken = false;
  }
}

const lockOf = (book: string): string => book.replace(/\.book$/, ".lock");

function lockBook(directory: string, path: string): () => void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const unlock = lockFile(lockOf(path));
  if (unlock === null) throw new Error("the lock of a new name is taken");
  return unlock;
}

/** The books of processes that are gone, each locked by this one from now on. One that was never finished is taken away: nothing in it was used. */
export function findOrphanedBooks(directory: string): { readonly path: string; readonly unlock: () => void }[] {
  if (!existsSync(directory)) return [];
  const paths = readdirSync(directory).filter((name) => name.endsWith(".lock")).map((name) => join(directory, name.replace(/\.lock$/, ".book")));
  return paths.flatMap((path) => {
    const unlock = lockFile(lockOf(path));
    if (unlock === null) return [];
    if (existsSync(path)) return [{ path, unlock }];
    removeBook(path);
    unlock();
    return [];
  });
}

/** Takes a book and its lock away. */
export function removeBook(path: string): void {
  for (const name of [path, `${path}.new`, lockOf(path)]) {
    try {
      unlinkSync(name);
    } catch {
      // It was never written.
    }
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
