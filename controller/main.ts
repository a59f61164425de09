import { setTimeout as sleep } from "node:timers/promises";
import { openAdmin } from "../common/admin-server.ts";
import { systemClock, type Clock } from "../common/clock.ts";
import type { Environment } from "../common/config.ts";
import { EXIT, UserError } from "../common/exit-codes.ts";
import { openKubeApi } from "../common/kube/http-kube-api.ts";
import { inClusterAccess } from "../common/kube/kube-access.ts";
import { KubeError, type KubeApi } from "../common/kube/kube-api.ts";
import { accessFromKubeconfig } from "../common/kube/kubeconfig.ts";
import { describeError, Lifecycle } from "../common/lifecycle.ts";
import type { Log } from "../common/log.ts";
import { refuseUnfitRuntime } from "../common/runtime.ts";
import { findOpa } from "../proxy/operator.ts";
import { clusterObjects } from "./access/cluster-objects.ts";
import { openAccess } from "./access/open-access.ts";
import { ControllerMetrics } from "./admin/controller-metrics.ts";
import { openApprovalStore } from "./approvals/open-approval-store.ts";
import { withBasePacks } from "./boundary/base-packs.ts";
import { openBudgetBook } from "./boundary/budget-book.ts";
import { allSynced, openCaches, runAll } from "./caches.ts";
import type { ControllerConfig } from "./config.ts";
import { openThreadsApi, openWebhook, publishCa, type DoorParts } from "./doors.ts";
import { readInstallation, type Installation } from "./installation.ts";
import { lead } from "./kube/leader.ts";
import { leaderWork } from "./leader-work.ts";
import { openControllerLedger } from "./ledger/open-ledger.ts";
import type { PodSettings } from "./pods/pod-settings.ts";
import { openDatabase, openThreadStore } from "./threads/open-thread-store.ts";
import { ensureBoundaryCa } from "./webhook/boundary-ca.ts";

export { controllerConfig, type ControllerConfig } from "./config.ts";

/** A cluster whose API server comes up at the same time: asked again for so long, in milliseconds, before the start has failed. */
const START_PATIENCE_MS = 60_000;
const START_PAUSE_MS = 1_000;

export interface StartOptions {
  readonly log: Log;
  readonly environment: Environment;
  /** Unique among the controllers of the cluster, such as the pod's name. */
  readonly identity: string;
  readonly clock?: Clock;
}

export interface RunningController {
  readonly apiPort: number;
  readonly webhookPort: number;
  readonly adminUrl: string | null;
  /** Rejects when the controller cannot go on and should be started anew; never resolves. */
  readonly failed: Promise<never>;
  /** Ends what it leads in order, releases the Lease, lets calls that are under way end. */
  stop(): Promise<void>;
}

/**
 * Furnishes the rooms and opens the doors: the composition root of the controller.
 * @throws UserError for anything in the configuration or in the cluster that keeps it from starting; nothing is left open then
 */
export async function startController(config: ControllerConfig, options: StartOptions): Promise<RunningController> {
  refuseUnfitRuntime();
  const lifecycle = new Lifecycle(options.log);
  try {
    return await openController(await withBasePacks(config), options, lifecycle);
  } catch (error) {
    await lifecycle.stop();
    if (!(error instanceof KubeError)) throw error;
    const hint = "Is it reachable, and was the chart installed whole (roles, webhook configuration)?";
    throw new UserError(`the API server does not let this start: ${error.message}`, hint, EXIT.unavailable, { cause: error });
  }
}

async function openController(config: ControllerConfig, options: StartOptions, lifecycle: Lifecycle): Promise<RunningController> {
  const { log, identity, clock = systemClock } = options;
  const kube = await openKube(config, options, lifecycle);
  const metrics = new ControllerMetrics();
  const { installation, boundaryCa, settings } = await settle(config, kube, { clock, log, signal: lifecycle.signal });
  const { store, ledger, approvals } = await openStores(config, { clock, log }, lifecycle);
  metrics.observeBudgets(ledger);
  const caches = openCaches(kube, log);
  lifecycle.run("caches", async (signal) => runAll(Object.values(caches), signal));
  const objects = clusterObjects(kube, caches);
  const access = await openAccess(config.access, { kube, objects, clock });
  lifecycle.onStop("access", async () => access.close());
  await allSynced(Object.values(caches), lifecycle.signal);
  const budgets = openBudgetBook(caches.budgets, config.boundary.budgets);
  const parts: DoorParts = { config, kube, store, ledger, budgets, approvals, access, objects, boundaryCa, settings, metrics, clock, log };
  const webhook = await openWebhook(parts, lifecycle);
  const api = await openThreadsApi(parts, lifecycle);
  const opa = await findOpa(options.environment);
  if (opa === null) log.warn("opa.missing", { meaning: "EgressPolicies with Rego of their own are not accepted; those of data are" });
  const candidate = candidacy(lifecycle, async (signal) => lead(
    { api: kube, config: config.kube, identity, namespace: config.namespace, log, clock },
    leaderWork({ config, kube, store, ledger, budgets, approvals, installation, settings, metrics, opa, identity, clock, log }), signal,
  ));
  const admin = await openAdmin(config.admin, { metrics, byDefault: false, isReady: () => !lifecycle.signal.aborted });
  lifecycle.onStop("admin", async () => admin?.close());
  return {
    apiPort: api.port, webhookPort: webhook.port, adminUrl: admin?.url ?? null, failed: candidate.failed,
    stop: async () => {
      await candidate.end();
      await lifecycle.stop();
    },
  };
}

async function openKube({ kube }: ControllerConfig, { environment }: StartOptions, lifecycle: Lifecycle): Promise<KubeApi> {
  const access = kube.kubeconfigFile === undefined ? inClusterAccess(environment) : await accessFromKubeconfig(kube.kubeconfigFile, kube.context);
  const api = openKubeApi(access, { readTimeoutMs: kube.readTimeoutMs, writeTimeoutMs: kube.writeTimeoutMs, silentMs: kube.silentWatchMs });
  lifecycle.onStop("kube", async () => api.close());
  return api;
}

/** Threads, budgets and approvals are kept in one database. */
async function openStores({ threads, approvals: asking }: ControllerConfig, { clock, log }: { readonly clock: Clock; readonly log: Log }, lifecycle: Lifecycle) {
  const database = await openDatabase(threads, log);
  const store = await openThreadStore(threads, log, database);
  lifecycle.onStop("store", async () => store.close());
  const approvals = await openApprovalStore(database, asking);
  lifecycle.onStop("approvals", async () => approvals.close());
  return { store, ledger: await openControllerLedger(database, clock), approvals };
}

interface Settled {
  readonly installation: Installation;
  readonly boundaryCa: Awaited<ReturnType<typeof ensureBoundaryCa>>;
  readonly settings: PodSettings;
}

/** Looks up and makes what everything else needs of the cluster. */
async function settle(config: ControllerConfig, kube: KubeApi, { clock, log, signal }: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal }): Promise<Settled> {
  const patiently = async <T>(ask: () => Promise<T>) => persist(ask, { clock, log, signal });
  const installation = await patiently(async () => readInstallation(kube, config, signal));
  const boundaryCa = await patiently(async () => ensureBoundaryCa(kube, { namespace: config.namespace, name: config.webhook.boundaryCaSecret }, clock.nowMs(), signal));
  await patiently(async () => publishCa(kube, config.namespace, boundaryCa.certPem, signal));
  const { initImage, sidecarImage, pullPolicy, redirect, tokenLifetimeSeconds } = config.pods;
  const images = { init: initImage, sidecar: sidecarImage, pullPolicy };
  return {
    installation, boundaryCa,
    settings: { images, proxy: installation.proxy, caPem: boundaryCa.certPem, redirect, tokenLifetimeSeconds, controllerUser: installation.user },
  };
}

/** Again as long as nothing or somebody else was in the way; what the API server refuses stays refused. */
async function persist<T>(ask: () => Promise<T>, { clock, log, signal }: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal }): Promise<T> {
  const untilMs = clock.monotonicMs() + START_PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const isPassing = error instanceof KubeError && (error.status === 0 || error.status === 409 || error.status >= 500);
      if (!isPassing || clock.monotonicMs() >= untilMs) throw error;
      log.warn("start.waiting", { error: describeError(error) });
      await sleep(START_PAUSE_MS, undefined, { signal });
    }
  }
}

interface Candidate {
  readonly failed: Promise<never>;
  end(): Promise<void>;
}

/** Leads in the background, and ends before anything that it uses is closed. */
function candidacy(lifecycle: Lifecycle, leading: (signal: AbortSignal) => Promise<void>): Candidate {
  const retired = new AbortController();
  const { promise: failed, reject } = Promise.withResolvers<never>();
  failed.catch(() => undefined);
  const over = leading(AbortSignal.any([retired.signal, lifecycle.signal])).then(
    () => { if (!retired.signal.aborted) reject(new Error("the leader's work ended by itself")); },
    (error: unknown) => { reject(error); },
  );
  const end = async () => {
    retired.abort(new Error("stopping"));
    await over;
  };
  lifecycle.onStop("leader", end);
  return { failed, end };
}
