import * as z from "zod";
import type { VaultClient } from "../vault/vault-client.ts";
import { readData, secretText, VaultEngineSource, vaultRole } from "../vault/vault-engine.ts";
import { isLeaseCurrent, leasedMaterial } from "../vault/vault-lease.ts";
import { fillPath, vaultPath } from "../vault/vault-path.ts";

export const vaultKubernetesReference = z.strictObject({
  type: z.literal("vault-kubernetes"),
  mount: vaultPath.default("kubernetes").describe("Where the Kubernetes engine is mounted."),
  role: vaultRole.describe("Role of the engine; `{namespace}` or `{agent}` stands for the agent's."),
  namespace: vaultRole.describe("Namespace of the service account in its cluster; `{namespace}` or `{agent}` stands for the agent's."),
}).describe("A service-account token of a Kubernetes cluster, as `value`, by the Kubernetes engine.");

const tokenSchema = z.object({ service_account_token: secretText });

/** A service-account token that is made for an instance and taken back after it. */
export function vaultKubernetes({ mount, role, namespace }: z.output<typeof vaultKubernetesReference>, client: VaultClient): VaultEngineSource {
  const describe = `vault:${mount}/creds/${role}`;
  return new VaultEngineSource({
    describe, scope: "instance",
    ask: (borrower) => ({
      call: {
        segments: [...mount.split("/"), "creds", ...fillPath(role, borrower.agent)], behind: "lease",
        body: { kubernetes_namespace: fillPath(namespace, borrower.agent).join("") },
      },
      read: (reply) => leasedMaterial(client, borrower, reply, { value: readData(tokenSchema, reply, describe).service_account_token }),
    }),
    isCurrent: (version) => isLeaseCurrent(client, version),
  }, client);
}
