import * as z from "zod";
import type { RemoteKey } from "../../model/remote-key.ts";
import { SourceError } from "../secret-source.ts";
import type { VaultClient } from "./vault-client.ts";
import { readData } from "./vault-engine.ts";

/** Where a key is. */
export interface TransitPlace {
  /** Of the transit engine. */
  readonly mount: string;
  readonly key: string;
}

/** The transport has a deadline of its own. */
const NEVER = new AbortController().signal;

const base64 = z.string().max(128).regex(/^[A-Za-z0-9+/]{43}=$/);
const keySchema = z.object({
  type: z.literal("ed25519"), derived: z.literal(false), supports_signing: z.literal(true), min_encryption_version: z.number().int().nonnegative(),
  keys: z.record(z.string().regex(/^[1-9]\d{0,8}$/), z.object({ public_key: base64 })),
});
const signatureSchema = z.object({ signature: z.string().max(256).regex(/^vault:v\d{1,9}:[A-Za-z0-9+/]{86}==$/) });

/** An Ed25519 key of Vault's transit engine, asked as the proxy itself. Every call ends within the client's time for one request. */
export class TransitKey implements RemoteKey {
  readonly describe: string;
  readonly #client: VaultClient;
  readonly #mount: readonly string[];
  readonly #key: string;

  constructor(client: VaultClient, { mount, key }: TransitPlace) {
    this.describe = `vault:${mount}/keys/${key}`;
    this.#client = client;
    this.#mount = mount.split("/");
    this.#key = key;
  }

  async publicKeys(): Promise<ReadonlyMap<number, Buffer>> {
    const reply = await this.#client.call({ segments: [...this.#mount, "keys", this.#key] }, null, NEVER);
    const { keys, min_encryption_version: oldest } = readData(keySchema, reply, this.describe);
    const versions = Object.entries(keys).map(([version, { public_key: key }]) => [Number(version), Buffer.from(key, "base64")] as const);
    return new Map(versions.filter(([version]) => version >= oldest).toSorted(([one], [other]) => one - other));
  }

  async sign(version: number, message: Buffer): Promise<Buffer> {
    const reply = await this.#client.call({ segments: [...this.#mount, "sign", this.#key], body: { input: message.toString("base64"), key_version: version } }, null, NEVER);
    const [, signedBy, signature = ""] = readData(signatureSchema, reply, this.describe).signature.split(":");
    if (signedBy !== `v${version}`) throw new SourceError("malformed", `${this.describe} signed with another version of the key`);
    return Buffer.from(signature, "base64");
  }
}
