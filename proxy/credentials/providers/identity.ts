import { open } from "node:fs/promises";
import * as z from "zod";
import { Secret } from "../../../common/secret.ts";
import { fileVersion } from "../secret-file.ts";
import { singleValue, SourceError, type Material, type SecretSource } from "../secret-source.ts";

export const identityReference = z.strictObject({
  type: z.literal("identity"),
}).describe("The proxy's own token for the controller, together with the instance that asks; for `weir.internal` alone.");

/** A service-account token is about 1 KB. */
const TOKEN_LIMIT_BYTES = 8 * 1_024;

/**
 * The proxy's own service-account token, as the kubelet writes it anew now and then. The mode of the file is the kubelet's choice (with several
 * users in a pod it is readable by its group or by all of the pod), so that it is not judged as other secret files are.
 */
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
    const token = (await this.#read()).trim();
    if (version === null || !/^[A-Za-z0-9_.-]+$/.test(token)) throw new SourceError("malformed", `${this.#path} does not hold a token`);
    return singleValue(new Secret(token), version);
  }

  isCurrent(version: string): boolean {
    return fileVersion(this.#path) === version;
  }

  async #read(): Promise<string> {
    try {
      await using file = await open(this.#path);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(TOKEN_LIMIT_BYTES + 1), 0, TOKEN_LIMIT_BYTES + 1, 0);
      if (bytesRead > TOKEN_LIMIT_BYTES) throw new SourceError("oversized", `${this.#path} is larger than ${TOKEN_LIMIT_BYTES} bytes`);
      return buffer.toString("latin1", 0, bytesRead);
    } catch (error) {
      if (error instanceof SourceError) throw error;
      throw new SourceError("missing", `${this.#path} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown error"})`);
    }
  }
}
