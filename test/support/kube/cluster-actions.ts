import type { KubeApi } from "../../../common/kube/kube-api.ts";
import { callKube, openApiAs, type KubeAnswer, type KubeIdentity } from "./cluster-connection.ts";
import type { ClusterFiles } from "./cluster-files.ts";
import { run } from "./command.ts";

/** What a token of a service account is asked for with. */
export interface TokenWish {
  readonly audience: string;
  /** At least 600 (a limit of the API server). */
  readonly seconds: number;
  /** Binds the token to this pod of the account's namespace: it dies with it. */
  readonly pod?: { readonly name: string; readonly uid: string };
}

/** What tests do with a cluster, whatever runs below it. */
export interface ClusterActions {
  readonly url: string;
  readonly caPem: string;
  /** Issuer of the service account tokens; their keys are at `${url}/openid/v1/jwks`. */
  readonly issuer: string;
  /** Holds everything, logs too; removed when the cluster is stopped. */
  readonly folder: string;
  /** A user of the group system:masters. */
  readonly admin: KubeIdentity;
  readonly adminKubeconfig: string;
  /** The admin's, by the client of Weir's programs; closed when the cluster is stopped. `openApiAs` has others'. */
  readonly api: KubeApi;
  /** A client certificate for any user and groups, e.g. `system:node:a` of `system:nodes`, or `system:serviceaccount:ns:name`. */
  identity(user: string, groups?: readonly string[]): Promise<KubeIdentity>;
  /** TokenRequest. @param account `namespace/name` */
  tokenFor(account: string, wish: TokenWish): Promise<string>;
  /** One request as the admin. Never throws for a status. */
  call(method: string, path: string, body?: object): Promise<KubeAnswer>;
  /** @throws Error with what kubectl printed if it does not exit 0 */
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  /** With the service account `default`, which pods need; on level 1 nothing else makes it. */
  createNamespace(name: string, labels?: Readonly<Record<string, string>>): Promise<void>;
}

/** @param kubectl path of the program */
export async function clusterActions(files: ClusterFiles, kubectl: string): Promise<ClusterActions> {
  const { admin, caPem, folder, identity, issuer, url } = files;
  const adminKubeconfig = await files.kubeconfig("admin", admin);
  return {
    url, caPem, issuer, folder, admin, adminKubeconfig, identity, api: openApiAs(admin),
    call: async (method, path, body) => callKube(admin, method, path, body),
    tokenFor: async (account, wish) => requestToken(admin, account, wish),
    kubectl: async (args, stdin = "") => run([kubectl, `--kubeconfig=${adminKubeconfig}`, ...args], { stdin, environment: { HOME: folder, PATH: "/usr/bin:/bin" } }),
    createNamespace: async (name, labels) => createNamespace(admin, name, labels ?? {}),
  };
}

async function requestToken(admin: KubeIdentity, account: string, wish: TokenWish): Promise<string> {
  const [namespace = "", name = ""] = account.split("/");
  const bound = wish.pod === undefined ? {} : { boundObjectRef: { apiVersion: "v1", kind: "Pod", ...wish.pod } };
  const spec = { audiences: [wish.audience], expirationSeconds: wish.seconds, ...bound };
  const { status, body } = await callKube(admin, "POST", `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec });
  if (status !== 201) throw new Error(`token for ${account}: ${status} ${JSON.stringify(body)}`);
  return (body["status"] as { token: string }).token;
}

async function createNamespace(admin: KubeIdentity, name: string, labels: Readonly<Record<string, string>>): Promise<void> {
  const namespace = await callKube(admin, "POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });
  if (namespace.status !== 201) throw new Error(`namespace ${name}: ${namespace.status} ${JSON.stringify(namespace.body)}`);
  const account = await callKube(admin, "POST", `/api/v1/namespaces/${name}/serviceaccounts`, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } });
  // On level 2 the controller manager may have been first.
  if (account.status !== 201 && account.status !== 409) throw new Error(`service account of ${name}: ${account.status} ${JSON.stringify(account.body)}`);
}
