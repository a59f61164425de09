import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mintClusterAuthority, mintTokenKeys } from "./cluster-authority.ts";
import type { KubeIdentity } from "./cluster-connection.ts";
import { freePort } from "./server-process.ts";

/** Certificates, keys and kubeconfigs of one control plane, below its folder. */
export interface ClusterFiles {
  readonly folder: string;
  readonly port: number;
  readonly url: string;
  readonly issuer: string;
  readonly caPem: string;
  readonly admin: KubeIdentity;
  path(name: string): string;
  identity(user: string, groups?: readonly string[]): Promise<KubeIdentity>;
  /** Writes NAME.kubeconfig. @returns its path */
  kubeconfig(name: string, identity: KubeIdentity): Promise<string>;
}

/** Names under which the API server is valid, beside loopback. */
const NAMES = ["localhost", "127.0.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
const ISSUER = "https://kubernetes.default.svc";

/** Mints what the API server needs. @param folder exists and is private */
export async function prepareClusterFiles(folder: string): Promise<ClusterFiles> {
  const authority = await mintClusterAuthority();
  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;
  const path = (name: string) => join(folder, name);
  const [server, tokens, adminPair] = await Promise.all([authority.server(NAMES), mintTokenKeys(), authority.client("admin", ["system:masters"])]);
  const contents = {
    "ca.crt": authority.caPem, "ca.key": authority.caKeyPem, "apiserver.crt": server.certPem, "apiserver.key": server.keyPem,
    "tokens.pub": tokens.publicPem, "tokens.key": tokens.privatePem,
  };
  await Promise.all(Object.entries(contents).map(async ([name, text]) => writeFile(path(name), text, { mode: 0o600 })));
  return {
    folder, port, url, issuer: ISSUER, caPem: authority.caPem, path,
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

