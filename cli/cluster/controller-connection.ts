import { readConfigFile } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { openKubeApi } from "../../common/kube/http-kube-api.ts";
import type { KubeAccess } from "../../common/kube/kube-access.ts";
import { KubeError, type KubeApi } from "../../common/kube/kube-api.ts";
import { accessFromKubeconfig } from "../../common/kube/kubeconfig.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { requestToken } from "../../common/kube/reviews.ts";
import { CONTROLLER_AUDIENCE, PLATFORM_NAME } from "../../common/labels.ts";
import { Secret } from "../../common/secret.ts";
import type { ControllerOptions } from "./controller-options.ts";
import { openPortForward } from "./port-forward.ts";

/** ConfigMap of the installation with the public certificate of its CA. */
const CA_CONFIG_MAP = "weir-ca";
const TOKEN_SECONDS = 3_600;

/** The way to the controller's API, open until `close`. */
export interface ControllerConnection {
  readonly url: string;
  /** Name that the controller's certificate must bear, if not the one in the URL. */
  readonly serverName?: string;
  readonly caPem?: string;
  readonly token: Secret;
  close(): Promise<void>;
}

/** @throws UserError that says which option or right is missing */
export async function connectController(options: ControllerOptions): Promise<ControllerConnection> {
  if (options.server !== undefined && options.tokenFile !== undefined) return direct(options.server, options, fileToken(options.tokenFile));
  const access = await accessFromKubeconfig(options.kubeconfig, options.context);
  const api = openKubeApi(access);
  try {
    const token = await tokenFor(options, access, api);
    if (options.server !== undefined) return direct(options.server, options, token);
    const caPem = options.caFile === undefined ? await publishedCa(api, options.systemNamespace) : readConfigFile(options.caFile);
    const forward = await openPortForward({
      ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }), ...(options.context === undefined ? {} : { context: options.context }),
      namespace: options.systemNamespace, target: "svc/weir-controller", port: 443,
    });
    return { url: `https://127.0.0.1:${forward.port}`, serverName: PLATFORM_NAME, caPem, token, close: async () => { forward.close(); } };
  } finally {
    await api.close();
  }
}

function direct(server: string, { caFile }: ControllerOptions, token: Secret): ControllerConnection {
  if (URL.parse(server)?.protocol !== "https:") throw new UserError(`--server ${server} is not an https:// address`, "A token is shown to nobody whose certificate was not checked.", EXIT.usage);
  return { url: server.replace(/\/+$/, ""), ...(caFile === undefined ? {} : { caPem: readConfigFile(caFile) }), token, close: async () => undefined };
}

function fileToken(path: string): Secret {
  return new Secret(readConfigFile(path).trim());
}

async function tokenFor({ tokenFile, serviceAccount }: ControllerOptions, access: KubeAccess, api: KubeApi): Promise<Secret> {
  if (tokenFile !== undefined) return fileToken(tokenFile);
  if (serviceAccount !== undefined) {
    const wish = { audience: CONTROLLER_AUDIENCE, seconds: TOKEN_SECONDS };
    return (await explained(requestToken(api, serviceAccount, wish), "request a token of that service account")).token;
  }
  const { authorization } = await access.credentials();
  const bearer = authorization?.reveal().match(/^Bearer (.+)$/)?.[1];
  if (bearer !== undefined) return new Secret(bearer);
  throw new UserError("your kubeconfig signs in without a token, which the controller cannot check", "Give --service-account NAMESPACE/NAME, or --token-file.", EXIT.usage);
}

async function publishedCa(api: KubeApi, namespace: string): Promise<string> {
  const found = await explained(api.get(TYPES.configMaps, { namespace, name: CA_CONFIG_MAP }), `read the ConfigMap ${CA_CONFIG_MAP} in ${namespace}`);
  const pem = (found?.["data"] as Record<string, string> | undefined)?.["ca.crt"];
  if (pem !== undefined) return pem;
  throw new UserError(`namespace ${namespace} has no ConfigMap ${CA_CONFIG_MAP}`, "Is Weir installed there? Otherwise give --system-namespace or --ca-file.", EXIT.unavailable);
}

async function explained<T>(call: Promise<T>, what: string): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    throw new UserError(`cannot ${what}: ${error.message}`, "Check your rights in the cluster (`kubectl auth can-i`), or give --server, --token-file and --ca-file.", EXIT.failure, { cause: error });
  }
}
