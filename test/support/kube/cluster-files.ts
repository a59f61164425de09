import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mintClusterAuthority, mintTokenKeys } from "./cluster-authority.ts";
import type { KubeIdentity } from "./cluster-connection.ts";

/** Certificates, keys and kubeconfigs of one control plane, below its folder. */
export interface ClusterFiles {
  readonly folder: string;
  readonly address: string;
  readonly port: number;
  readonly url: string;
  readonly issuer: string;
  readonly caPem: string;
  readonly admin: KubeIdentity;
  path(name: string): string;
  /** Writes NAME.crt and NAME.key of a server. */
  server(name: string, names: readonly string[]): Promise<void>;
  identity(user: string, groups?: readonly string[]): Promise<KubeIdentity>;
  /** Writes NAME.kubeconfig. @returns its path */
  kubeconfig(name: string, identity: KubeIdentity): Promise<string>;
}

/** Names under which the API server is valid, beside loopback. */
const NAMES = ["localhost", "127.0.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
const ISSUER = "https://kubernetes.default.svc";

/**
 * Mints what the API server needs.
 * @param folder exists and is private
 * @param address IPv4 address and port where the API server shall listen
 * @param names more names under which it is reached
 */
export async function prepareClusterFiles(folder: string, address: string, port: number, names: readonly string[] = []): Promise<ClusterFiles> {
  const authority = await mintClusterAuthority();
  const url = `https://${address}:${port}`;
  const path = (name: string) => join(folder, name);
  const write = async (contents: Readonly<Record<string, string>>) =>
    Promise.all(Object.entries(contents).map(async ([name, text]) => writeFile(path(name), text, { mode: 0o600 })));
  const server = async (name: string, serverNames: readonly string[]) => {
    const { certPem, keyPem } = await authority.server(serverNames);
    await write({ [`${name}.crt`]: certPem, [`${name}.key`]: keyPem });
  };
  const [tokens, adminPair] = await Promise.all([mintTokenKeys(), authority.client("admin", ["system:masters"]), server("apiserver", [address, ...NAMES, ...names])]);
  await write({ "ca.crt": authority.caPem, "ca.key": authority.caKeyPem, "tokens.pub": tokens.publicPem, "tokens.key": tokens.privatePem, "admin.crt": adminPair.certPem, "admin.key": adminPair.keyPem });
  return {
    folder, address, port, server, url, issuer: ISSUER, caPem: authority.caPem, path,
    admin: { url, caPem: authority.caPem, ...adminPair },
    identity: async (user, groups) => ({ url, caPem: authority.caPem, ...await authority.client(user, groups) }),
    kubeconfig: async (name, identity) => {
      await writeFile(path(`${name}.kubeconfig`), JSON.stringify(kubeconfigOf(identity)), { mode: 0o600 });
      return path(`${name}.kubeconfig`);
    },
  };
}

/** JSON is YAML, too. */
function kubeconfigOf({ url, caPem, certPem, keyPem }: KubeIdentity): object {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return {
    apiVersion: "v1", kind: "Config", "current-context": "test",
    clusters: [{ name: "test", cluster: { server: url, "certificate-authority-data": base64(caPem) } }],
    users: [{ name: "test", user: { "client-certificate-data": base64(certPem), "client-key-data": base64(keyPem) } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
  };
}

