import * as z from "zod";
import { Secret } from "../../../common/secret.ts";
import type { Borrower } from "../../model/agent.ts";
import { singleValue, SourceError, type Material, type SecretSource } from "../secret-source.ts";
import type { VaultClient } from "../vault-client.ts";
import { vaultPath as path } from "../vault-path.ts";

export const vaultReference = z.strictObject({
  type: z.literal("vault"),
  mount: path.default("secret").describe("Where the KV version 2 engine is mounted."),
  path: path.describe("Path of the secret below the mount, without `data/`."),
  field: z.string().min(1).max(256).default("value").describe("Key of the secret's data whose value is used."),
});

/**
 * The answer of `GET <mount>/data/<path>` of KV version 2. Vault adds keys around it from release to release, so that the outer objects are
 * open; what is used is exact.
 */
const answerSchema = z.object({
  data: z.object({
    data: z.record(z.string(), z.unknown()),
    metadata: z.object({ version: z.number().int().positive(), destroyed: z.literal(false), deletion_time: z.literal("") }),
  }),
});

/** One field of a KV version 2 secret in Vault or OpenBao. */
export class VaultKvSource implements SecretSource {
  readonly describe: string;
  readonly scope = "shared";
  readonly #segments: readonly string[];
  readonly #field: string;
  readonly #client: VaultClient;

  constructor(reference: z.output<typeof vaultReference>, client: VaultClient) {
    this.#segments = [...reference.mount.split("/"), "data", ...reference.path.split("/")];
    this.#field = reference.field;
    this.#client = client;
    this.describe = `vault:${reference.mount}/${reference.path}`;
  }

  async fetch(signal: AbortSignal, borrower: Borrower): Promise<Material> {
    const { body } = await this.#client.call({ segments: this.#segments }, borrower, signal);
    const parsed = answerSchema.safeParse(body);
    if (!parsed.success) throw new SourceError("malformed", `${this.describe} is not a KV version 2 secret`);
    const { data, metadata } = parsed.data.data;
    const value = Object.hasOwn(data, this.#field) ? data[this.#field] : undefined;
    if (value === undefined) throw new SourceError("missing", `${this.describe} has no field ${this.#field}`);
    if (typeof value !== "string" || value === "") throw new SourceError("malformed", `${this.describe} has no text in field ${this.#field}`);
    return singleValue(new Secret(value), String(metadata.version));
  }

  isCurrent(): boolean {
    return true;
  }
}
