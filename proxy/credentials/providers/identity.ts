import * as z from "zod";
import { fileVersion } from "../secret-file.ts";
import { singleValue, SourceError, type Material, type SecretSource } from "../secret-source.ts";
import { readTokenFile } from "../token-file.ts";

export const identityReference = z.strictObject({
  type: z.literal("identity"),
}).describe("The proxy's own token for the controller, together with the instance that asks; for `weir.internal` alone.");

/** The proxy's own service-account token, as the kubelet writes it anew now and then. */
export class IdentitySource implements SecretSource {
  readonly describe = "identity";
  readonly scope = "shared";
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async fetch(): Promise<Material> {
    // Before reading: a file that is swapped meanwhile is read again.
    const version = fileVersion(this.#path);
    const token = await readTokenFile(this.#path);
    if (version === null) throw new SourceError("missing", `${this.#path} is gone`);
    return singleValue(token, version);
  }

  isCurrent(version: string): boolean {
    return fileVersion(this.#path) === version;
  }
}
