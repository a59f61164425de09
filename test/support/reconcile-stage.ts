import { FINALIZER } from "../../common/labels.ts";
import type { KubeObject } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { systemClock } from "../../common/clock.ts";
import { silentLog } from "../../common/log.ts";
import { volumeClaims } from "../../controller/pods/volume-claims.ts";
import { reconcileConfig } from "../../controller/reconcile/config.ts";
import { claimNameOf, podNameOf } from "../../controller/reconcile/names.ts";
import { PodUnfit, type ReconcileEvent, type ReconcilerDeps } from "../../controller/reconcile/ports.ts";
import { runReconciler } from "../../controller/reconcile/reconciler.ts";
import type { ThreadStatus } from "../../controller/resources/thread.ts";
import { MemoryCluster } from "./memory-cluster.ts";
import { MemoryThreadStore } from "./memory-thread-store.ts";

const NAMESPACE = "team";
const ref = (name: string) => ({ namespace: NAMESPACE, name });

/** A reconciler over a cluster and a store in memory, with hands for everybody else: senders, kubelets, people, and the one who pulls the plug. Needs fake timers. */
export class ReconcileStage {
  readonly cluster = new MemoryCluster(() => Date.now());
  readonly store = new MemoryThreadStore();
  readonly events: ReconcileEvent[] = [];
  readonly latenciesMs: number[] = [];
  /** Why no pod can be made of any thread; null: it can. */
  unfit: string | null = null;
  #controller: { readonly stop: AbortController; readonly ended: Promise<void> } | null = null;

  start(): void {
    const stop = new AbortController();
    this.#controller = { stop, ended: runReconciler(this.#deps(), stop.signal) };
  }

  /** Ends the controller in the middle of whatever it does; what it knew is gone. */
  async crash(): Promise<void> {
    this.#controller?.stop.abort(new Error("crash"));
    await this.#controller?.ended;
    this.#controller = null;
  }

  async agent(name = "helper", spec: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.cluster.create(TYPES.agents, { apiVersion: "weir.dev/v1alpha1", kind: "Agent", metadata: { name, namespace: NAMESPACE, generation: 1 }, spec: { image: "example.com/helper:1", ...spec } });
  }

  async thread(name: string, spec: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.cluster.create(TYPES.threads, { apiVersion: "weir.dev/v1alpha1", kind: "Thread", metadata: { name, namespace: NAMESPACE, generation: 1 }, spec: { agent: "helper", user: "ada", ...spec } });
  }

  /** As kubectl does: the generation goes up. */
  edit(type: "agents" | "threads", name: string, spec: Readonly<Record<string, unknown>>): void {
    this.cluster.change(TYPES[type], ref(name), (object) =>
      ({ ...object, metadata: { ...object.metadata, generation: (object.metadata.generation ?? 0) + 1 }, spec: { ...object["spec"] as object, ...spec } }));
  }

  find(type: "agents" | "threads" | "pods" | "claims", name: string): KubeObject | undefined {
    return this.cluster.all(TYPES[type]).find(({ metadata }) => metadata.name === name);
  }

  pod(thread: string): KubeObject | undefined {
    return this.find("pods", podNameOf(thread));
  }

  statusOf(thread: string): Partial<ThreadStatus> {
    return this.find("threads", thread)?.["status"] ?? {};
  }

  uidOf(thread: string): string {
    return this.find("threads", thread)?.metadata.uid ?? "";
  }

  post(thread: string): void {
    this.store.post(this.uidOf(thread), Date.now());
  }

  acknowledge(thread: string, count = 1): void {
    this.store.acknowledge(this.uidOf(thread), count, Date.now());
  }

  /** What a kubelet reports of the thread's pod. A pod that is being deleted only ends. */
  report(thread: string, status: Readonly<Record<string, unknown>>): void {
    if (this.pod(thread)?.metadata.deletionTimestamp === undefined) this.cluster.change(TYPES.pods, ref(podNameOf(thread)), (pod) => ({ ...pod, status }));
  }

  runs(thread: string): void {
    this.report(thread, { phase: "Running", containerStatuses: [{ name: "agent", state: { running: { startedAt: new Date().toISOString() } } }] });
  }

  exits(thread: string, exitCode: number): void {
    this.report(thread, { phase: exitCode === 0 ? "Succeeded" : "Failed", containerStatuses: [{ name: "agent", state: { terminated: { exitCode, reason: "Error" } } }] });
  }

  cannotPull(thread: string): void {
    this.report(thread, { phase: "Pending", containerStatuses: [{ name: "agent", state: { waiting: { reason: "ErrImagePull", message: "no such image" } } }] });
  }

  /** The kubelets have ended whatever was to end. */
  endPods(): void {
    for (const { metadata } of [...this.cluster.all(TYPES.pods)]) if (metadata.deletionTimestamp !== undefined) this.cluster.end(TYPES.pods, ref(metadata.name));
  }

  /** Somebody removes the pod, by force. */
  losePod(thread: string): void {
    this.cluster.end(TYPES.pods, ref(podNameOf(thread)));
  }

  async deleteThread(name: string): Promise<void> {
    await this.cluster.remove(TYPES.threads, ref(name));
  }

  hasFinalizer(thread: string): boolean {
    return this.find("threads", thread)?.metadata.finalizers?.includes(FINALIZER) === true;
  }

  #deps(): ReconcilerDeps {
    return {
      kube: this.cluster, store: this.store, clock: systemClock, log: silentLog, config: reconcileConfig.parse({}),
      openInformer: (type, query, select) => this.cluster.informer(type, query, select),
      instancePod: (thread, agent) => {
        if (this.unfit !== null) throw new PodUnfit(this.unfit);
        return { apiVersion: "v1", kind: "Pod", metadata: { name: podNameOf(thread.metadata.name) }, spec: { containers: [{ name: "agent", image: agent.spec.image }] } };
      },
      volumeClaims: (thread, agent) => volumeClaims(thread, agent, (volume) => claimNameOf(thread.metadata.name, volume)),
      record: (_object, event) => { this.events.push(event); },
      metrics: { queueDepth() {}, reconciled() {}, acted() {}, signalToPod: (latencyMs) => { this.latenciesMs.push(latencyMs); } },
      pause: async (ms, signal) => {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const timer = setTimeout(resolve, ms);
        signal.addEventListener("abort", () => { clearTimeout(timer); reject(new Error("stopped")); }, { once: true });
        await promise;
      },
    };
  }
}
