import { readVaultTokenFile } from "./vault-login.ts";
import type { HeldToken, VaultSession } from "./vault-session.ts";

/** Id of whatever the file holds: when that ends is not ours to know. */
export const FILE_TOKEN = "file";

/** A token that somebody else puts into a file, keeps alive and takes back; it is read for each request. */
export class TokenFileSession implements VaultSession {
  readonly isIdle = true;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async token(): Promise<HeldToken> {
    const secret = await readVaultTokenFile(this.#path);
    return { id: FILE_TOKEN, secret, untilMs: Number.POSITIVE_INFINITY };
  }

  async isLost(): Promise<false> {
    return false;
  }

  noteLoginHelped(): void {}

  holdUntil(): void {}

  async end(): Promise<void> {}

  async revoke(): Promise<void> {}
}
