import * as z from "zod";
import type { Material } from "../secret-source.ts";
import type { VaultClient, VaultReply } from "../vault/vault-client.ts";
import { readData, secretText, VaultEngineSource, vaultRole } from "../vault/vault-engine.ts";
import { isLeaseCurrent, leasedMaterial } from "../vault/vault-lease.ts";
import { fillPath, vaultPath } from "../vault/vault-path.ts";

export const vaultAwsReference = z.strictObject({
  type: z.literal("vault-aws"),
  mount: vaultPath.default("aws").describe("Where the AWS engine is mounted."),
  role: vaultRole.describe("Role of the engine; `{namespace}` or `{agent}` stands for the agent's."),
  sts: z.boolean().default(false).describe("Asks `sts/ROLE` for a temporary session (assumed role, federation token), instead of `creds/ROLE` for an access key."),
  ttlSeconds: z.number().int().min(900).max(43_200).optional().describe("With `sts`: length of the session, in seconds; without it the role's."),
}).refine(({ sts, ttlSeconds }) => sts || ttlSeconds === undefined, { error: "is for sts alone", path: ["ttlSeconds"] })
  .describe("Keys of AWS, as `accessKeyId`, `secretAccessKey` and for sessions `sessionToken`, by the AWS engine.");

/** The session's token is `security_token` in every release, and `session_token` besides in newer ones; null for an access key. */
const keysSchema = z.object({ access_key: secretText, secret_key: secretText, security_token: secretText.nullish(), session_token: secretText.nullish() });

/** Keys of AWS that are made for an instance and taken back after it. */
export function vaultAws(reference: z.output<typeof vaultAwsReference>, client: VaultClient): VaultEngineSource {
  const { mount, role, sts, ttlSeconds } = reference;
  const kind = sts ? "sts" : "creds";
  const describe = `vault:${mount}/${kind}/${role}`;
  return new VaultEngineSource({
    describe, scope: "instance",
    ask: (borrower) => ({
      call: {
        segments: [...mount.split("/"), kind, ...fillPath(role, borrower.agent)], behind: "lease",
        ...sts ? { body: ttlSeconds === undefined ? {} : { ttl: `${ttlSeconds}s` } } : {},
      },
      read: (reply) => leasedMaterial(client, borrower, reply, readKeys(reply, describe)),
    }),
    isCurrent: (version) => isLeaseCurrent(client, version),
  }, client);
}

function readKeys(reply: VaultReply, describe: string): Material["values"] {
  const { access_key: accessKeyId, secret_key: secretAccessKey, security_token: security, session_token: session } = readData(keysSchema, reply, describe);
  const sessionToken = session ?? security;
  return { accessKeyId, secretAccessKey, ...sessionToken === null || sessionToken === undefined ? {} : { sessionToken } };
}
