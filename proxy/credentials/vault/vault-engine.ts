import * as z from "zod";
import { Secret } from "../../../common/secret.ts";
import type { Borrower } from "../../model/agent.ts";
import { SourceError, type Material, type SecretSource } from "../secret-source.ts";
import type { VaultCall } from "./vault-api.ts";
import type { VaultClient, VaultReply } from "./vault-client.ts";
import { isPerAgent, vaultTemplate } from "./vault-path.ts";

/** What one kind of secret of Vault is: what to ask for, and what to make of the answer. */
export interface VaultEngine {
  /** For log and audit: the place, never the value. */
  readonly describe: string;
  readonly scope: SecretSource["scope"];
  /** @throws SourceError if the agent has a name that cannot be part of a path */
  ask(borrower: Borrower): { readonly call: VaultCall; readonly read: (reply: VaultReply) => Material };
  /** Left out where material is used until its time is over. */
  readonly isCurrent?: (version: string) => boolean;
}

/** A source that asks Vault once for each fetch. */
export class VaultEngineSource implements SecretSource {
  readonly describe: string;
  readonly scope: SecretSource["scope"];
  readonly #engine: VaultEngine;
  readonly #client: VaultClient;

  constructor(engine: VaultEngine, client: VaultClient) {
    this.#engine = engine;
    this.#client = client;
    this.describe = engine.describe;
    this.scope = engine.scope;
  }

  async fetch(signal: AbortSignal, borrower: Borrower): Promise<Material> {
    const { call, read } = this.#engine.ask(borrower);
    return read(await this.#client.call(call, borrower, signal));
  }

  isCurrent(version: string): boolean {
    return this.#engine.isCurrent?.(version) ?? true;
  }
}

/** The scope of what is the same for all who may read it: nothing is shared where paths or policies differ by agent. */
export function sharedScope(client: VaultClient, ...templates: readonly string[]): SecretSource["scope"] {
  return templates.some(isPerAgent) ? "instance" : client.scope;
}

/** Name of a role as configured; one segment. */
export const vaultRole = vaultTemplate.refine((text) => !text.includes("/"), "must be one segment");

/** A text of an answer that is a secret. */
export const secretText = z.string().min(1).max(65_536).transform((text) => new Secret(text));

/** The `data` of an answer, read strictly. @throws SourceError `malformed`, which quotes nothing of it */
export function readData<T>(schema: z.ZodType<T>, { body }: VaultReply, place: string): T {
  const data: unknown = z.object({ data: z.unknown() }).safeParse(body).data?.data;
  const parsed = schema.safeParse(data);
  if (!parsed.success) throw new SourceError("malformed", `the answer of ${place} is not what its engine gives`);
  return parsed.data;
}
