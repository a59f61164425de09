import { setTimeout as sleep } from "node:timers/promises";
import { openAdmin } from "../../common/admin-server.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { openInformer } from "../../common/kube/informer.ts";
import { KubeError, type Informer, type KubeApi, type KubeObject } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { fieldSelector, labelSelector } from "../../common/kube/selectors.ts";
import { serviceAddress, type ServiceAddress } from "../../common/kube/service-address.ts";
import { LABELS } from "../../common/labels.ts";
import { describeError, Lifecycle } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import type { NodeConfig } from "./config.ts";
import { enterBy } from "./enter.ts";
import { NamespaceFinder } from "./find-namespace.ts";
import { RuleKeeper } from "./keep-rules.ts";
import { NodeMetrics } from "./node-metrics.ts";
import { readPod, selectPod } from "./read-pod.ts";
import { RuleWriter } from "./write-rules.ts";

/** The API server may come up with the node: asked again so often, in milliseconds. */
const START_PAUSE_MS = 2_000;

export interface RunningNodeRules {
  readonly adminUrl: string | null;
  stop(): Promise<void>;
}

/**
 * Writes the rules of every governed pod of a node, from outside: the composition root of the node's agent. Rules that are written stay when it ends.
 * @throws UserError if the installation has no service of proxies, or the API server does not say where it is
 */
export async function startNodeRules(config: NodeConfig, kube: KubeApi, log: Log): Promise<RunningNodeRules> {
  const lifecycle = new Lifecycle(log);
  lifecycle.onStop("kube", async () => kube.close());
  try {
    const proxy = await findProxy(config, kube, { log, signal: lifecycle.signal });
    const metrics = new NodeMetrics();
    const enter = enterBy(config.commandTimeoutMs);
    const { verifyIntervalMs, lookIntervalMs, concurrency } = config;
    const keeper = new RuleKeeper({
      finder: new NamespaceFinder(config.namespacesDirectory, enter), writer: new RuleWriter({ proxy, hostAddresses: config.hostAddresses }, enter),
      log, metrics, verifyIntervalMs, lookIntervalMs, concurrency,
    });
    lifecycle.onStop("rules", () => { keeper.close(); });
    const pods = openPods(config.nodeName, kube, keeper, log);
    let isSynced = false;
    lifecycle.run("pods", async (signal) => pods.run(signal));
    lifecycle.run("first-list", async (signal) => {
      await pods.synced(signal);
      isSynced = true;
    });
    const admin = await openAdmin(config.admin, { metrics, byDefault: false, isReady: () => isSynced && !lifecycle.signal.aborted });
    lifecycle.onStop("admin", async () => admin?.close());
    return { adminUrl: admin?.url ?? null, stop: async () => lifecycle.stop() };
  } catch (error) {
    await lifecycle.stop();
    throw error;
  }
}

/** As long as the API server does not answer there is nothing to do; what it refuses stays refused. */
async function findProxy({ namespace, proxyService }: NodeConfig, kube: KubeApi, { log, signal }: { readonly log: Log; readonly signal: AbortSignal }): Promise<ServiceAddress> {
  for (;;) {
    try {
      return await serviceAddress(kube, namespace, proxyService, signal);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.status !== 0 && error.status < 500) throw refused(error);
      log.warn("start.waiting", { error: describeError(error) });
      await sleep(START_PAUSE_MS, undefined, { signal });
    }
  }
}

function refused(error: KubeError): UserError {
  return new UserError(`the API server does not say where the proxies are: ${error.message}`, "Was the chart installed whole, its roles too?", EXIT.unavailable, { cause: error });
}

/** Governed pods carry the label of their agent; of the others of the node nothing is asked. */
function openPods(nodeName: string, kube: KubeApi, keeper: RuleKeeper, log: Log): Informer {
  const query = { labelSelector: labelSelector({ [LABELS.agent]: true }), fieldSelector: fieldSelector({ "spec.nodeName": nodeName }) };
  const pods = openInformer(kube, TYPES.pods, query, { log, select: selectPod });
  const uids = new Map<string, string>();
  pods.onChange(({ namespace = "", name }, object) => {
    const key = `${namespace}/${name}`;
    const before = uids.get(key);
    const uid = object?.metadata.uid;
    if (before !== undefined && before !== uid) keeper.drop(before);
    if (object === null || uid === undefined) uids.delete(key);
    else {
      uids.set(key, uid);
      take(object, uid, keeper, log);
    }
  });
  return pods;
}

function take(object: KubeObject, uid: string, keeper: RuleKeeper, log: Log): void {
  const reading = readPod(object);
  if (reading.kind === "captured") keeper.keep(reading.pod);
  else keeper.drop(uid);
  if (reading.kind === "unfit") log.warn("pod.unfit", { namespace: object.metadata.namespace, pod: object.metadata.name, uid, why: reading.why });
}
