import { systemClock } from "../../common/clock.ts";
import { openKubeApi } from "../../common/kube/http-kube-api.ts";
import type { KubeAccess } from "../../common/kube/kube-access.ts";
import type { KubeApi } from "../../common/kube/kube-api.ts";
import { KubeConnection } from "../../common/kube/kube-connection.ts";
import { accessFromKubeconfig } from "../../common/kube/kubeconfig.ts";
import type { ClusterOptions } from "./cluster-options.ts";
import { kubeTrouble } from "./kube-trouble.ts";

const READ_TIMEOUT_MS = 15_000;
const TEXT_LIMIT_BYTES = 16 << 20;
const DEFAULT_NAMESPACE = "default";

/** A cluster as its user sees it. */
export interface Cluster {
  readonly api: KubeApi;
  /** Address of the API server. */
  readonly server: string;
  /** The namespace that is meant. */
  readonly namespace: string;
  readonly systemNamespace: string;
  /** What a path answers that is no JSON, such as the metrics of a pod. @throws KubeError */
  text(path: string): Promise<string>;
}

/** Opens the cluster of the options for as long as the work takes. @throws UserError instead of what the API server says */
export async function withCluster<T>(options: ClusterOptions, work: (cluster: Cluster) => Promise<T>): Promise<T> {
  const access = await accessFromKubeconfig(options.kubeconfig, options.context);
  const api = openKubeApi(access, { readTimeoutMs: READ_TIMEOUT_MS });
  const connection = new KubeConnection(access, systemClock, undefined);
  try {
    return await work({
      api, server: access.server, namespace: namespaceOf(options, access), systemNamespace: options.systemNamespace,
      text: async (path) => readText(connection, path),
    });
  } catch (error) {
    throw kubeTrouble(error);
  } finally {
    await Promise.all([api.close(), connection.close()]);
  }
}

/** The namespace that is meant, as kubectl chooses it. */
export function namespaceOf({ namespace }: Pick<ClusterOptions, "namespace">, access: Pick<KubeAccess, "namespace"> | null): string {
  return namespace ?? access?.namespace ?? DEFAULT_NAMESPACE;
}

async function readText(connection: KubeConnection, path: string): Promise<string> {
  const body = await connection.open(path, READ_TIMEOUT_MS, AbortSignal.timeout(READ_TIMEOUT_MS));
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > TEXT_LIMIT_BYTES) throw new Error(`${path} answers with more than ${TEXT_LIMIT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
