import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import { lockFile } from "../../../common/file-lock.ts";
import { Secret } from "../../../common/secret.ts";
import { readSecretFile } from "../secret-file.ts";
import { SourceError } from "../secret-source.ts";

/** Time between two looks at a lock that another process has, in milliseconds. */
const LOCK_POLL_MS = 25;

const contentSchema = z.strictObject({
  version: z.literal(1),
  /** Hash of the token that the rotation began with: another one in the configuration begins anew. */
  seed: z.string(),
  refreshToken: z.string().min(1),
});

/**
 * The refresh token that the server gave last. Servers that rotate them take each one once, and take its second use for theft: then the whole
 * family ends. So there is one user at a time, over all processes of the machine, and the next token is on the disk before anything else happens.
 */
export class RefreshTokenFile {
  readonly #path: string;

  /**
   * @param name tells one client of one server from another; only its hash is seen on the disk
   * @param owner the first token, where each agent has one of its own; null where there is one for all
   */
  constructor(stateDirectory: string, name: string, owner: Secret | null = null) {
    const whole = owner === null ? name : `${name}\n${owner.reveal()}`;
    this.#path = join(stateDirectory, "oauth2", `${digest(whole).slice(0, 32)}.json`);
  }

  /**
   * Runs work alone, over all processes that share the state directory.
   * @param signal ends the wait for others, not the work
   * @throws SourceError `slow` if others do not end in time, `unsafe` if the folder cannot be used
   */
  async exclusively<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const unlock = await this.#lock(signal);
    try {
      return await work();
    } finally {
      unlock();
    }
  }

  /** The token to use next: the last that was written, or the seed. Only for the one who holds the lock. @throws SourceError */
  async read(seed: Secret): Promise<Secret> {
    const text = await this.#readText();
    if (text === null) return seed;
    const content = parse(text);
    if (content === null) throw new SourceError("malformed", `${this.#path} is not what was written there`);
    return content.seed === digest(seed.reveal()) ? new Secret(content.refreshToken) : seed;
  }

  /** Resolves when the token outlives a crash of the machine. Only for the one who holds the lock. @throws SourceError `unsafe` */
  async write(seed: Secret, token: Secret): Promise<void> {
    const draft = `${this.#path}.${randomBytes(6).toString("hex")}`;
    const content: z.input<typeof contentSchema> = { version: 1, seed: digest(seed.reveal()), refreshToken: token.reveal() };
    try {
      await using file = await open(draft, "wx", 0o600);
      await file.writeFile(`${JSON.stringify(content)}\n`);
      await file.sync();
      await rename(draft, this.#path);
      await using folder = await open(dirname(this.#path), "r");
      await folder.sync();
    } catch (error) {
      await rm(draft, { force: true });
      throw this.#unusable(error);
    }
  }

  async #lock(signal: AbortSignal): Promise<() => void> {
    try {
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      for (;;) {
        const unlock = lockFile(`${this.#path}.lock`);
        if (unlock !== null) return unlock;
        await pause(LOCK_POLL_MS, undefined, { signal });
      }
    } catch (error) {
      if (signal.aborted) throw new SourceError("slow", `another process uses ${this.#path}`);
      throw this.#unusable(error);
    }
  }

  async #readText(): Promise<string | null> {
    try {
      return (await readSecretFile(this.#path)).text;
    } catch (error) {
      if (error instanceof SourceError && error.fault === "missing") return null;
      throw error;
    }
  }

  #unusable(error: unknown): SourceError {
    return new SourceError("unsafe", `${this.#path} cannot be written (${(error as NodeJS.ErrnoException).code ?? "unknown error"})`);
  }
}

const digest = (text: string): string => createHash("sha256").update("weir oauth2\0").update(text).digest("hex");

function parse(text: string): z.output<typeof contentSchema> | null {
  try {
    return contentSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
