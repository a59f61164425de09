import { systemClock } from "../../common/clock.ts";
import { readConfigFile } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { openKubeApi } from "../../common/kube/http-kube-api.ts";
import type { KubeApi } from "../../common/kube/kube-api.ts";
import { accessFromKubeconfig } from "../../common/kube/kubeconfig.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { PLATFORM_NAME } from "../../common/labels.ts";
import { accountToken, fileToken, kubeconfigToken, type CallerToken } from "./caller-token.ts";
import { namespaceOf } from "./cluster-connection.ts";
import type { ControllerOptions } from "./controller-options.ts";
import { kubeTrouble } from "./kube-trouble.ts";
import { openPortForward } from "./port-forward.ts";

/** ConfigMap of the installation with the public certificate of its CA. */
const CA_CONFIG_MAP = "weir-ca";

/** The way to the controller's API, open until `close`. */
export interface ControllerConnection {
  readonly url: string;
  /** Name that the controller's certificate must bear, if not the one in the URL. */
  readonly serverName?: string;
  readonly caPem?: string;
  readonly token: CallerToken;
  /** The namespace that is meant. */
  readonly namespace: string;
  close(): Promise<void>;
}

/** @throws UserError that says which option or right is missing */
export async function connectController(options: ControllerOptions): Promise<ControllerConnection> {
  const { server, tokenFile, serviceAccount } = options;
  if (server !== undefined && tokenFile !== undefined) {
    return { ...direct(server, options), token: fileToken(tokenFile), namespace: namespaceOf(options, null), close: async () => undefined };
  }
  const access = await accessFromKubeconfig(options.kubeconfig, options.context);
  const api = openKubeApi(access);
  try {
    const own = serviceAccount === undefined ? kubeconfigToken(access) : accountToken(api, serviceAccount, systemClock);
    const token = tokenFile === undefined ? own : fileToken(tokenFile);
    // What is missing is said before anything is opened.
    await token();
    const way = server === undefined ? await forwarded(options, api) : { ...direct(server, options), close: () => undefined };
    return {
      ...way, token, namespace: namespaceOf(options, access),
      close: async () => {
        way.close();
        await api.close();
      },
    };
  } catch (error) {
    await api.close();
    throw kubeTrouble(error);
  }
}

function direct(server: string, { caFile }: ControllerOptions): Pick<ControllerConnection, "url" | "caPem"> {
  if (URL.parse(server)?.protocol !== "https:") {
    throw new UserError(`--server ${server} is not an https:// address`, "A token is shown to nobody whose certificate was not checked.", EXIT.usage);
  }
  return { url: server.replace(/\/+$/, ""), ...(caFile === undefined ? {} : { caPem: readConfigFile(caFile) }) };
}

async function forwarded(options: ControllerOptions, api: KubeApi) {
  const caPem = options.caFile === undefined ? await publishedCa(api, options.systemNamespace) : readConfigFile(options.caFile);
  const forward = await openPortForward({
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }), ...(options.context === undefined ? {} : { context: options.context }),
    namespace: options.systemNamespace, target: "svc/weir-controller", port: 443,
  });
  return { url: `https://127.0.0.1:${forward.port}`, serverName: PLATFORM_NAME, caPem, close: () => { forward.close(); } };
}

async function publishedCa(api: KubeApi, namespace: string): Promise<string> {
  const found = await api.get(TYPES.configMaps, { namespace, name: CA_CONFIG_MAP });
  const pem = (found?.["data"] as Record<string, string> | undefined)?.["ca.crt"];
  if (pem !== undefined) return pem;
  throw new UserError(
    `namespace ${namespace} has no ConfigMap ${CA_CONFIG_MAP}`, "Is Weir installed there? Otherwise give --system-namespace or --ca-file.", EXIT.unavailable,
  );
}
