import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { Secret } from "../../common/secret.ts";
import { grantsConfig } from "../../proxy/credentials/config.ts";
import { openSource } from "../../proxy/credentials/providers.ts";
import type { SecretSource } from "../../proxy/credentials/secret-source.ts";
import { VaultClient, type VaultOptions } from "../../proxy/credentials/vault/vault-client.ts";
import { vaultConfig } from "../../proxy/credentials/vault/vault-config.ts";
import type { Borrower } from "../../proxy/model/agent.ts";
import { AN_AGENT } from "./credentials.ts";
import type { OpenBaoServer } from "./openbao-server.ts";

const ISSUER = "https://issuer.example.test";

/** A server with auth methods and engines as an operator sets them up, and clients that talk to it as the proxy does. */
export interface VaultLab {
  readonly server: OpenBaoServer;
  readonly folder: string;
  /** A file of mode 0600 in the lab's folder. @returns its path */
  file(name: string, text: string): Promise<string>;
  /** A policy of the server, by the paths that it opens. */
  policy(name: string, paths: Readonly<Record<string, readonly string[]>>): Promise<void>;
  /** An AppRole with these policies. @returns the section `auth` of a client that logs in with it */
  appRole(name: string, policies: readonly string[], settings?: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>>;
  /** A client; closed with the lab. */
  client(auth: Readonly<Record<string, unknown>>, options?: VaultOptions): VaultClient;
  /** The source of a grant's `credential`. */
  source(reference: Readonly<Record<string, unknown>>, client: VaultClient): SecretSource;
  close(): Promise<void>;
}

export function openVaultLab(server: OpenBaoServer): Promise<VaultLab> {
  return mkdtemp(join(tmpdir(), "weir-vault-lab-")).then((folder) => labIn(folder, server));
}

function labIn(folder: string, server: OpenBaoServer): VaultLab {
  const clients: VaultClient[] = [];
  const { call } = server;
  const file = async (name: string, text: string) => {
    const path = join(folder, name);
    await writeFile(path, text, { mode: 0o600 });
    return path;
  };
  return {
    server, folder, file,
    policy: async (name, paths) => {
      await call("PUT", `sys/policies/acl/${name}`, { policy: JSON.stringify({ path: Object.fromEntries(Object.entries(paths).map(([path, capabilities]) => [path, { capabilities }])) }) });
    },
    appRole: async (name, policies, settings = {}) => {
      await call("POST", "sys/auth/approle", { type: "approle" }).catch(() => undefined);
      await call("POST", `auth/approle/role/${name}`, { token_policies: policies, token_ttl: "10m", ...settings });
      const { data: role } = await call("GET", `auth/approle/role/${name}/role-id`) as { data: { role_id: string } };
      const { data: secret } = await call("POST", `auth/approle/role/${name}/secret-id`, {}) as { data: { secret_id: string } };
      return { method: "approle", roleId: role.role_id, secretIdFile: await file(`secret-id-${name}`, secret.secret_id) };
    },
    client: (auth, options) => {
      const client = new VaultClient(vaultConfig.parse({ address: server.address, timeoutMs: 10_000, auth }), options);
      clients.push(client);
      return client;
    },
    source: (reference, client) => {
      const { credential } = grantsConfig.parse({ lab: { credential: reference, bind: { hosts: ["api.example.test"] } } })["lab"]!;
      return openSource(credential, { environment: {}, vault: () => client, identityTokenFile: null });
    },
    close: async () => {
      await Promise.all(clients.map(async (client) => client.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A borrower with a token of its own. */
export function borrowerNamed(name: string, token = "none", over: Partial<Borrower["agent"]> = {}): Borrower {
  return { agent: { ...AN_AGENT, namespace: "team", name, instance: `instance-of-${name}`, ...over }, token: new Secret(token) };
}

/** Whoever signs tokens of agents, known to the server's auth method `jwt` with one role `agent`: each agent has its own name there. */
export interface AgentIssuer {
  token(agent: string, over?: { readonly audience?: string; readonly expiresAt?: number }): Promise<string>;
}

/** @param policies of whoever logs in; a policy may name the agent by `{{identity.entity.aliases.ACCESSOR.name}}` */
export async function enableAgentLogin({ call }: OpenBaoServer, policies: readonly string[]): Promise<AgentIssuer & { readonly accessor: string }> {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await call("POST", "sys/auth/jwt", { type: "jwt" });
  await call("POST", "auth/jwt/config", { jwt_validation_pubkeys: [publicKey.export({ format: "pem", type: "spki" })], bound_issuer: ISSUER });
  await call("POST", "auth/jwt/role/agent", { role_type: "jwt", bound_audiences: ["weir"], user_claim: "sub", token_policies: policies, token_ttl: "10m" });
  const { data } = await call("GET", "sys/auth") as { data: Record<string, { accessor: string }> };
  return {
    accessor: data["jwt/"]!.accessor,
    token: async (agent, { audience = "weir", expiresAt = Math.floor(Date.now() / 1_000) + 600 } = {}) =>
      new SignJWT({}).setProtectedHeader({ alg: "ES256" }).setIssuer(ISSUER).setAudience(audience).setSubject(agent).setIssuedAt().setExpirationTime(expiresAt).sign(privateKey),
  };
}
