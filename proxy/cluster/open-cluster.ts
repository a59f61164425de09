import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Clock } from "../../common/clock.ts";
import type { Environment } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { openKubeApi } from "../../common/kube/http-kube-api.ts";
import { openInformer } from "../../common/kube/informer.ts";
import type { KubeApi, ObjectRef } from "../../common/kube/kube-api.ts";
import { inClusterAccess } from "../../common/kube/kube-access.ts";
import { accessFromKubeconfig } from "../../common/kube/kubeconfig.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import type { LedgerStore } from "../../common/ledger/ledger-store.ts";
import { storeOverLine } from "../../common/ledger/store-client.ts";
import type { Lifecycle } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import type { Activity } from "../model/activity.ts";
import type { HoldingsBook } from "../model/holdings.ts";
import type { ClusterTokens, GovernedPod, PodDirectory } from "../model/pods.ts";
import type { LifecycleRecord } from "../model/record.ts";
import { ApprovalLine } from "./approval-line.ts";
import { apiTokens } from "./api-tokens.ts";
import { BoundaryKeeper, type BoundaryRooms, type BoundaryState } from "./boundary-keeper.ts";
import type { ClusterConfig } from "./config.ts";
import { ControllerClient } from "./controller-client.ts";
import { controllerLine } from "./controller-line.ts";
import { endInstance, type InstanceRooms } from "./end-instance.ts";
import { BoundaryHoldings } from "./holdings.ts";
import { InstanceActivity } from "./instance-activity.ts";
import { NodePods } from "./node-pods.ts";
import { selectPod } from "./read-pod.ts";
import { reportActivity } from "./report-activity.ts";

export interface ClusterContext {
  readonly log: Log;
  readonly clock: Clock;
  readonly environment: Environment;
  readonly stateDirectory: string;
  readonly lifecycle: Lifecycle;
  readonly onEvent: (event: Pick<LifecycleRecord, "event" | "outcome" | "fields">) => void;
  /** Instead of the one that the configuration names; closed by whoever opened it. */
  readonly kubeApi?: KubeApi | undefined;
}

/** What a node proxy knows from its cluster. */
export interface Cluster {
  readonly pods: PodDirectory;
  readonly tokens: ClusterTokens;
  readonly tokenReview: boolean;
  readonly holdings: HoldingsBook;
  readonly activity: Activity;
  /** Where the controller counts budgets for all node proxies. Nothing is answered before a boundary is in force. */
  readonly ledger: LedgerStore;
  /** The way to people, who answer at the controller. */
  readonly approvals: ApprovalLine;
  /** With the node proxy's own rights. */
  readonly api: KubeApi;
  readonly boundary: BoundaryState;
  /** A boundary is in force, and it is known which pods live. */
  readonly isReady: boolean;
  heldBundle(): ReturnType<BoundaryKeeper["heldBundle"]>;
  /** True for an address of a governed pod of this node. */
  isAgentAddress(address: string): boolean;
  /** Joins the rooms, puts in force what was kept, and begins to watch. Resolves when the kept boundary is in force. */
  start(rooms: BoundaryRooms & InstanceRooms): Promise<void>;
}

/** Opens the cluster's side of a node proxy; nothing is asked of the API server before `start`. @throws UserError if it cannot be found */
export async function openCluster(config: ClusterConfig, context: ClusterContext): Promise<Cluster> {
  const { log, clock, lifecycle, stateDirectory, onEvent } = context;
  const nodeName = config.nodeName ?? ownPlace("nodeName", "WEIR_NODE_NAME", "spec.nodeName", context.environment);
  const namespace = config.namespace ?? ownPlace("namespace", "WEIR_NAMESPACE", "metadata.namespace", context.environment);
  const api = context.kubeApi ?? await openApi(config, context);
  const informer = openInformer(api, TYPES.pods, { fieldSelector: `spec.nodeName=${nodeName}` }, { log, clock, select: selectPod });
  const pods = new NodePods({ informer, api, clock, nodeName, watchSilenceMs: config.watchSilenceMs, podWaitMs: config.podWaitMs });
  const holdings = new BoundaryHoldings();
  const file = join(stateDirectory, "boundary", "boundary.json");
  const keeper = new BoundaryKeeper({ log, holdings, onEvent, file, controllerCaFile: config.controller.caFile });
  const activity = new InstanceActivity(clock);
  const controller = new ControllerClient(config.controller);
  lifecycle.onStop("controller-client", async () => controller.close());
  return {
    api, pods, tokens: apiTokens(api), tokenReview: config.tokenReview, holdings, activity,
    ledger: storeOverLine(controllerLine(controller, () => keeper.state.platform)),
    approvals: new ApprovalLine({ proxy: randomUUID(), client: controller, controller: () => keeper.state.platform, clock, log }),
    heldBundle: () => keeper.heldBundle(),
    get boundary() { return keeper.state; },
    get isReady() { return keeper.state.revision !== null && pods.isCurrent; },
    isAgentAddress: (address) => pods.list().some(({ addresses }) => addresses.includes(address)),
    start: async (rooms) => {
      await keeper.join(rooms);
      pods.onLeft((pod, why) => {
        onEvent({ event: "instance.ended", outcome: "succeeded", fields: endedFields(pod, why) });
        lifecycle.run("end-instance", async () => endInstance(pod, why, rooms));
      });
      lifecycle.run("pods", async (signal) => pods.run(signal));
      lifecycle.run("boundary", async (signal) => watchBoundary({ namespace, name: config.configMap }, keeper, { api, log, clock }, signal));
      runActivity(config, { activity, pods, keeper, controller }, context);
    },
  };
}

async function openApi({ kubeconfig }: ClusterConfig, { environment, clock, lifecycle }: ClusterContext): Promise<KubeApi> {
  const api = openKubeApi(kubeconfig === undefined ? inClusterAccess(environment) : await accessFromKubeconfig(kubeconfig), { clock });
  lifecycle.onStop("kube-api", async () => api.close());
  return api;
}

interface WatchDeps {
  readonly api: KubeApi;
  readonly log: Log;
  readonly clock: Clock;
}

async function watchBoundary({ namespace, name }: Required<ObjectRef>, keeper: BoundaryKeeper, deps: WatchDeps, signal: AbortSignal): Promise<void> {
  const informer = openInformer(deps.api, TYPES.configMaps, { namespace, fieldSelector: `metadata.name=${name}` }, deps);
  informer.onChange((_key, object) => { void keeper.take(object); });
  await informer.run(signal);
}

interface ActivityParts {
  readonly activity: InstanceActivity;
  readonly pods: NodePods;
  readonly keeper: BoundaryKeeper;
  readonly controller: ControllerClient;
}

function runActivity(config: ClusterConfig, { activity, pods, keeper, controller }: ActivityParts, { log, lifecycle }: ClusterContext): void {
  const report = { activity, log, lives: (uid: string) => pods.lives(uid), controller: () => keeper.state.platform, post: controller.post.bind(controller) };
  lifecycle.run("activity", async (signal) => reportActivity(report, config.activityIntervalMs, signal));
}

function endedFields({ namespace, name, uid, agent, thread }: GovernedPod, why: string): LifecycleRecord["fields"] {
  return { agent, namespace, pod: name, pod_uid: uid, thread, why };
}

/** The configuration is the same on every node; where it runs, a pod is told by its environment. */
function ownPlace(key: string, variable: string, field: string, environment: Environment): string {
  const value = environment[variable];
  if (value === undefined || value === "") {
    throw new UserError(`the node proxy does not know its ${key}`, `Set cluster.${key}, or ${variable} in its environment (fieldRef ${field}).`, EXIT.config);
  }
  return value;
}
