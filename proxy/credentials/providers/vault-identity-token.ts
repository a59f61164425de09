import { hash } from "node:crypto";
import * as z from "zod";
import { Secret } from "../../../common/secret.ts";
import type { VaultClient } from "../vault/vault-client.ts";
import { readData, sharedScope, VaultEngineSource, vaultRole } from "../vault/vault-engine.ts";
import { fillPath } from "../vault/vault-path.ts";

export const vaultIdentityTokenReference = z.strictObject({
  type: z.literal("vault-identity-token"),
  role: vaultRole.describe("Role of `identity/oidc`; `{namespace}` or `{agent}` stands for the agent's."),
}).describe("A JWT that Vault signs for whoever is logged in, as `value`; the destination checks it with Vault's published keys.");

/** Of the token's time, what is left to its way: it must not expire before it is read. */
const USED = 0.9;

const tokenSchema = z.object({ token: z.string().max(16_384).regex(/^[\w-]+\.[\w-]+\.[\w-]+$/), ttl: z.number().int().positive() });

/** An identity token of Vault: the proxy's, or the agent's own where it is the one who logs in. */
export function vaultIdentityToken({ role }: z.output<typeof vaultIdentityTokenReference>, client: VaultClient): VaultEngineSource {
  const describe = `vault:identity/oidc/token/${role}`;
  return new VaultEngineSource({
    describe, scope: sharedScope(client, role),
    ask: ({ agent }) => ({
      call: { segments: ["identity", "oidc", "token", ...fillPath(role, agent)] },
      read: (reply) => {
        const { token, ttl } = readData(tokenSchema, reply, describe);
        return { values: { value: new Secret(token) }, version: hash("sha256", token, "hex").slice(0, 12), lifetimeMs: ttl * 1_000 * USED, lease: null };
      },
    }),
  }, client);
}
