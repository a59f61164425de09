import * as z from "zod";
import { Secret } from "../../../common/secret.ts";
import { SourceError, VALUE_NAMES, type Material, type ValueName } from "../secret-source.ts";
import type { VaultClient, VaultReply } from "../vault/vault-client.ts";
import { sharedScope, VaultEngineSource } from "../vault/vault-engine.ts";
import { fillPath, vaultPath, vaultTemplate } from "../vault/vault-path.ts";

const key = z.string().min(1).max(256);

export const vaultReference = z.strictObject({
  type: z.literal("vault"),
  mount: vaultPath.default("secret").describe("Where the KV version 2 engine is mounted."),
  path: vaultTemplate.describe("Path of the secret below the mount, without `data/`; `{namespace}` and `{agent}` stand for the agent's, one in a segment."),
  version: z.number().int().positive().optional().describe("Version of the secret that is used; without it the latest."),
  field: key.optional().describe("Key of the secret's data whose value is used. Default `value`."),
  fields: z.partialRecord(z.enum(VALUE_NAMES), key).optional().describe("In place of `field`, for an injection of several values: the key of each, by the name of the value (`username`, `password`, `accessKeyId` …)."),
}).refine(({ field, fields }) => field === undefined || fields === undefined, { error: "give one of field and fields", path: ["fields"] });
type Reference = z.output<typeof vaultReference>;

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

/** Fields of a KV version 2 secret in Vault or OpenBao. */
export function vaultKv(reference: Reference, client: VaultClient): VaultEngineSource {
  const { mount, path, version } = reference;
  const describe = `vault:${mount}/${path}`;
  return new VaultEngineSource({
    describe, scope: sharedScope(client, path),
    ask: ({ agent }) => ({
      call: { segments: [...mount.split("/"), "data", ...fillPath(path, agent)], ...version === undefined ? {} : { query: { version: String(version) } } },
      read: (reply) => readSecret(reference, describe, reply),
    }),
  }, client);
}

function readSecret({ field, fields, version }: Reference, describe: string, { body }: VaultReply): Material {
  const parsed = answerSchema.safeParse(body);
  if (!parsed.success) throw new SourceError("malformed", `${describe} is not a KV version 2 secret`);
  const { data, metadata } = parsed.data.data;
  if (version !== undefined && metadata.version !== version) throw new SourceError("malformed", `${describe} was asked for in version ${version} and came in another`);
  const wanted = Object.entries(fields ?? { value: field ?? "value" }) as [ValueName, string][];
  const values = Object.fromEntries(wanted.map(([name, from]) => [name, textOf(data, from, describe)]));
  return { values, version: String(metadata.version), lifetimeMs: null, lease: null };
}

function textOf(data: Readonly<Record<string, unknown>>, field: string, describe: string): Secret {
  const value = Object.hasOwn(data, field) ? data[field] : undefined;
  if (value === undefined) throw new SourceError("missing", `${describe} has no field ${field}`);
  if (typeof value !== "string" || value === "") throw new SourceError("malformed", `${describe} has no text in field ${field}`);
  return new Secret(value);
}
