import * as z from "zod";
import { objectPath } from "../../common/kube/kube-paths.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Cluster } from "./cluster-connection.ts";
import { readSamples, type Sample } from "./metrics-text.ts";

const SELECTOR = "app.kubernetes.io/name=weir,app.kubernetes.io/component=proxy";
const ADMIN_PORT = 15_090;
/** Proxies that are asked at a time. */
const AT_ONCE = 8;

const pod = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({ nodeName: z.string().default("") }),
  status: z.looseObject({ conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).default([]) }).prefault({}),
});

export interface NodeProxy {
  readonly pod: string;
  readonly node: string;
  readonly isReady: boolean;
}

/** What one proxy says of itself, or why it could not be asked. */
export interface ProxyReport {
  readonly proxy: NodeProxy;
  readonly samples: readonly Sample[];
  readonly trouble: string | null;
}

/** The node proxies of the installation, by node. */
export async function listProxies({ api, systemNamespace }: Cluster): Promise<NodeProxy[]> {
  const { items } = await api.list(TYPES.pods, { namespace: systemNamespace, labelSelector: SELECTOR });
  return items.map((item) => {
    const { metadata, spec, status } = pod.parse(item);
    return { pod: metadata.name, node: spec.nodeName, isReady: status.conditions.some((one) => one.type === "Ready" && one.status === "True") };
  }).toSorted((one, other) => (one.node < other.node ? -1 : 1));
}

/** Asks each ready proxy for its metrics, through the API server (`pods/proxy`): no address of the cluster needs to be reachable. */
export async function askProxies(cluster: Cluster, proxies: readonly NodeProxy[]): Promise<ProxyReport[]> {
  const reports: ProxyReport[] = [];
  const waiting = proxies.filter(({ isReady }) => isReady);
  const ask = async () => { for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) reports.push(await askProxy(cluster, next)); };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
  return reports.toSorted((one, other) => (one.proxy.node < other.proxy.node ? -1 : 1));
}

async function askProxy(cluster: Cluster, proxy: NodeProxy): Promise<ProxyReport> {
  try {
    const text = await cluster.text(`${objectPath(TYPES.pods, { namespace: cluster.systemNamespace, name: proxy.pod })}:${ADMIN_PORT}/proxy/metrics`);
    return { proxy, samples: readSamples(text, "weir_"), trouble: null };
  } catch (error) {
    return { proxy, samples: [], trouble: describeError(error) };
  }
}

export function sampleOf({ samples }: Pick<ProxyReport, "samples">, name: string): Sample | undefined {
  return samples.find((sample) => sample.name === name);
}
