import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { writeDurably } from "../../../common/durable-file.ts";
import { lockFile } from "../../../common/file-lock.ts";
import { revisionNumber, REVISION_FORM, stepFrom } from "./revision.ts";
import { quoted, UnfitError } from "./unfit.ts";

const LOCK_RETRY_MS = 20;
const LOCK_DEADLINE_MS = 5_000;

const highest = z.strictObject({
  revision: z.string().refine((text) => revisionNumber(text) !== null),
  /** Of the content that was in force under this revision; null: the operator set it, and nothing was in force since. */
  digest: z.string().min(1).nullable(),
});
export type Highest = z.output<typeof highest>;

interface Named {
  readonly revision: string;
  readonly digest: string;
}

/** Where the proxy keeps what it has to remember of its policy, below its state directory. */
export function policyStateDirectory(stateDirectory: string): string {
  return join(stateDirectory, "policy");
}

/**
 * The highest revision that was ever in force here, in a file that outlives the process: revisions go up only. Several proxies may share it.
 * Whoever may write the file may set it; it is kept with the keys.
 */
export class HighestRevision {
  readonly #path: string;

  /** @param directory of {@link policyStateDirectory} */
  constructor(directory: string) {
    this.#path = join(directory, "highest-revision.json");
  }

  /** @returns null if none ever was @throws Error if the file cannot be read: nothing may come into force then */
  async read(): Promise<Highest | null> {
    try {
      return highest.parse(JSON.parse(await readFile(this.#path, "utf8")));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw new Error(`${this.#path} does not say which revision is the highest; \`weir policy pin REVISION\` writes it anew`, { cause });
    }
  }

  /**
   * Remembers a revision that comes into force.
   * @param together what has to be written with it, before it: nobody else raises at the same time
   * @throws UnfitError if it may not, after all: another proxy was faster; Error if the disk does not take it
   */
  async raise(to: Named, together: () => Promise<void> = async () => undefined): Promise<void> {
    await this.#locked(async () => {
      const now = await this.read();
      checkUpwards(to, now);
      await together();
      if (now?.revision !== to.revision || now.digest === null) await this.#write(to);
    });
  }

  /** Remembers a revision that was in force before this start, unless an operator has pinned one since: that is still to be decided by what comes next. @throws as `raise` */
  async resume(to: Named): Promise<void> {
    await this.#locked(async () => {
      const now = await this.read();
      checkUpwards(to, now);
      if (now === null) await this.#write(to);
    });
  }

  /** The operator's way out: the revision, and everything above it, may come into force, whatever was before. @throws Error if it is none */
  async pin(revision: string): Promise<void> {
    if (revisionNumber(revision) === null) throw new Error(`${JSON.stringify(revision)} is no revision: ${REVISION_FORM}`);
    await this.#locked(async () => this.#write({ revision, digest: null }));
  }

  async #write(to: Highest): Promise<void> {
    await writeDurably(this.#path, JSON.stringify(to));
  }

  async #locked(work: () => Promise<void>): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    const unlock = await this.#lock();
    try {
      await work();
    } finally {
      unlock();
    }
  }

  async #lock(): Promise<() => void> {
    for (let waitedMs = 0; waitedMs < LOCK_DEADLINE_MS; waitedMs += LOCK_RETRY_MS) {
      const unlock = lockFile(`${this.#path}.lock`);
      if (unlock !== null) return unlock;
      await sleep(LOCK_RETRY_MS);
    }
    throw new Error(`${this.#path} is locked by another program`);
  }
}

/** @throws UnfitError that says how to get on, if the revision is no step up from the highest one, nor the same content again */
export function checkUpwards(next: Named, before: Highest | null): void {
  const { revision } = next;
  const step = stepFrom(before, next);
  if (step === "unordered") throw new UnfitError(`its revision ${quoted(revision)} has no order; a signed bundle has ${REVISION_FORM}`);
  if (step === "lower") throw new UnfitError(`its revision ${revision} is lower than ${before?.revision}, which was in force; \`weir policy pin ${revision}\` allows to go back`);
  if (step === "conflict") throw new UnfitError(`its revision ${revision} was in force with other content; give it a higher one`);
}
