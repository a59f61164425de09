import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeDurably } from "../../common/durable-file.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { lockFile } from "../../common/file-lock.ts";
import { BUNDLE_LIMIT_BYTES, mayReplace } from "../../proxy/operator.ts";

/** What a bundle in a folder may be called: nothing below it, nothing hidden. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,120}\.tar\.gz$/;
/** What is larger than a bundle may be is served all the same, so that readers can say what is wrong with it; up to here. */
const SERVED_LIMIT_BYTES = 8 * BUNDLE_LIMIT_BYTES;
/** Whoever serves the folder may be another user than the one who fills it. */
const FILE_MODE = 0o644;

/** A bundle as it lies in the folder. */
export interface StoredBundle {
  readonly packed: Buffer;
  /** Of these bytes; a strong entity tag (RFC 9110 §8.8.3). */
  readonly etag: string;
}

/** True for the name that a bundle may have in a folder of bundles. */
export function isBundleName(name: string): boolean {
  return NAME.test(name);
}

/** Bundles in one folder, each replaced as a whole and by a higher revision only. */
export class BundleFolder {
  readonly #directory: string;
  /** What was read last of each name, so that however many readers there are, one copy is held. */
  readonly #read = new Map<string, { readonly stamp: string; readonly stored: Promise<StoredBundle> }>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @returns null if there is none @throws UserError if it cannot be read, or is far larger than any bundle may be */
  async read(name: string): Promise<StoredBundle | null> {
    try {
      const path = this.#pathOf(name);
      const { size, ino, mtimeNs } = await stat(path, { bigint: true });
      if (size > SERVED_LIMIT_BYTES) throw new UserError(`${path} is larger than ${SERVED_LIMIT_BYTES} bytes`, "Put a smaller bundle there.", EXIT.config);
      const stamp = `${ino} ${mtimeNs} ${size}`;
      const known = this.#read.get(name);
      if (known?.stamp === stamp) return await known.stored;
      const stored = readFile(path).then((packed) => ({ packed, etag: etagOf(packed) }));
      this.#read.set(name, { stamp, stored });
      return await stored;
    } catch (error) {
      this.#read.delete(name);
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
  }

  /**
   * Puts a bundle where another was, or none.
   * @param isExpected asked of what is there now, while nobody else can change it
   * @returns false if the same bundle lies there already
   * @throws UserError if its revision does not go up, if somebody else publishes at the moment, or if what is there is not what was expected
   */
  async publish(name: string, packed: Buffer, isExpected: (now: StoredBundle | null) => boolean = () => true): Promise<boolean> {
    const unlock = lockFile(join(this.#directory, ".publish.lock"));
    if (unlock === null) throw new UserError(`somebody else publishes into ${this.#directory}`, "Try again in a moment.", EXIT.failure);
    try {
      const now = await this.read(name);
      if (!isExpected(now)) throw new UnexpectedBundleError(name);
      if (!await mayReplace(packed, now?.packed ?? null)) return false;
      await writeDurably(this.#pathOf(name), packed, FILE_MODE);
      return true;
    } finally {
      unlock();
    }
  }

  #pathOf(name: string): string {
    if (!isBundleName(name)) {
      throw new UserError(`${JSON.stringify(name)} is no name for a bundle`, "Letters, digits, dots, hyphens and underscores, and `.tar.gz` at the end.", EXIT.usage);
    }
    return join(this.#directory, name);
  }
}

/** Somebody else was faster: what would be replaced is not what the publisher saw. */
export class UnexpectedBundleError extends UserError {
  constructor(name: string) {
    super(`${name} is not what it was when you looked`, "Look at it again, and publish anew if that is still right.", EXIT.failure);
  }
}

function etagOf(packed: Uint8Array): string {
  return `"${createHash("sha256").update(packed).digest("hex")}"`;
}
