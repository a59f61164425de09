import type { KubeConfig } from "@kubernetes/client-node";
import { EXIT, UserError } from "../exit-codes.ts";
import { Secret } from "../secret.ts";
import { checkedServer, type KubeAccess, type KubeCredentials } from "./kube-access.ts";

/** What the library's `applyToHTTPSOptions` may leave behind. */
interface AppliedOptions {
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  pfx?: unknown;
  auth?: string;
  headers?: Record<string, string>;
}

/**
 * Access as `kubectl` has it: exec plugins, OIDC and token files are the library's, which is loaded only here because it is large.
 * @param path kubeconfig; without it, `KUBECONFIG` or `~/.kube/config`
 * @param context without it, the file's current one
 * @throws UserError for a file, context or cluster that cannot be used: also for one without TLS verification, or behind a proxy
 */
export async function accessFromKubeconfig(path?: string, context?: string): Promise<KubeAccess> {
  const library = await import("@kubernetes/client-node");
  const config = new library.KubeConfig();
  loadInto(config, path);
  if (context !== undefined) config.setCurrentContext(context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw unfit(path, `it has no cluster for the context ${context ?? config.getCurrentContext()}`);
  if (cluster.skipTLSVerify === true) throw unfit(path, "insecure-skip-tls-verify: the API server must prove itself");
  if (cluster.proxyUrl !== undefined) throw unfit(path, "proxy-url is not supported");
  if ((config.getCurrentUser()?.impersonateUser ?? "") !== "") throw unfit(path, "impersonation (as) is not supported");
  return {
    server: checkedServer(cluster.server),
    ...(cluster.tlsServerName === undefined ? {} : { serverName: cluster.tlsServerName }),
    ...namespaceOf(config),
    credentials: async () => credentialsOf(config),
  };
}

function namespaceOf(config: KubeConfig): Pick<KubeAccess, "namespace"> {
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace;
  return namespace === undefined || namespace === "" ? {} : { namespace };
}

function loadInto(config: KubeConfig, path: string | undefined): void {
  try {
    if (path === undefined) config.loadFromDefault();
    else config.loadFromFile(path);
  } catch (error) {
    const problem = `cannot read the kubeconfig ${path ?? "of this user"}: ${(error as Error).message}`;
    throw new UserError(problem, "Check the path and the file.", EXIT.config, { cause: error });
  }
}

async function credentialsOf(config: KubeConfig): Promise<KubeCredentials> {
  const applied: AppliedOptions = { headers: {} };
  await config.applyToHTTPSOptions(applied as Parameters<KubeConfig["applyToHTTPSOptions"]>[0]);
  const authorization = applied.headers?.["Authorization"] ?? basic(applied.auth);
  return {
    ...(applied.ca === undefined ? {} : { caPem: applied.ca.toString() }),
    ...(applied.cert === undefined ? {} : { certPem: applied.cert.toString() }),
    ...(applied.key === undefined ? {} : { keyPem: new Secret(applied.key.toString()) }),
    ...(authorization === undefined ? {} : { authorization: new Secret(authorization) }),
  };
}

function basic(userAndPassword: string | undefined): string | undefined {
  return userAndPassword === undefined ? undefined : `Basic ${Buffer.from(userAndPassword).toString("base64")}`;
}

function unfit(path: string | undefined, reason: string): UserError {
  return new UserError(`the kubeconfig ${path ?? "of this user"} cannot be used: ${reason}`, "Use another context or file.", EXIT.config);
}
