import { hash } from "node:crypto";
import * as z from "zod";
import type { Material } from "../secret-source.ts";
import type { VaultClient, VaultReply } from "../vault/vault-client.ts";
import { readData, secretText, sharedScope, VaultEngineSource, vaultRole } from "../vault/vault-engine.ts";
import { isLeaseCurrent, leasedMaterial } from "../vault/vault-lease.ts";
import { fillPath, vaultPath } from "../vault/vault-path.ts";

export const vaultDatabaseReference = z.strictObject({
  type: z.literal("vault-database"),
  mount: vaultPath.default("database").describe("Where the database engine is mounted."),
  role: vaultRole.describe("Role of the engine; `{namespace}` or `{agent}` stands for the agent's."),
  static: z.boolean().default(false).describe("A static role: one user of the database whose password the engine changes in its own rhythm, instead of a new user for each instance."),
}).describe("A user of a database, as `username` and `password`, by the database engine.");

const loginSchema = z.object({ username: secretText, password: secretText });
const staticSchema = loginSchema.extend({ ttl: z.number().int().nonnegative(), last_vault_rotation: z.string().max(64) });

/** A database user that is made for an instance and gone after it; or a static one, which all share until its password is changed. */
export function vaultDatabase(reference: z.output<typeof vaultDatabaseReference>, client: VaultClient): VaultEngineSource {
  const { mount, role, static: isStatic } = reference;
  const kind = isStatic ? "static-creds" : "creds";
  const describe = `vault:${mount}/${kind}/${role}`;
  return new VaultEngineSource({
    describe, scope: isStatic ? sharedScope(client, role) : "instance",
    ask: (borrower) => ({
      call: { segments: [...mount.split("/"), kind, ...fillPath(role, borrower.agent)], behind: isStatic ? undefined : "lease" },
      read: (reply) => isStatic ? readStatic(reply, describe) : leasedMaterial(client, borrower, reply, readData(loginSchema, reply, describe)),
    }),
    ...isStatic ? {} : { isCurrent: (version: string) => isLeaseCurrent(client, version) },
  }, client);
}

function readStatic(reply: VaultReply, describe: string): Material {
  const { ttl, last_vault_rotation: rotatedAt, username, password } = readData(staticSchema, reply, describe);
  return { values: { username, password }, version: hash("sha256", rotatedAt, "hex").slice(0, 12), lifetimeMs: ttl * 1_000, lease: null };
}
