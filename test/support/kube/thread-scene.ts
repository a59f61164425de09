import { setTimeout as pause } from "node:timers/promises";
import { KubeError, type KubeApi, type KubeObject } from "../../../common/kube/kube-api.ts";
import { TYPES } from "../../../common/kube/resource-types.ts";
import { FINALIZER, LABELS } from "../../../common/labels.ts";
import type { ThreadStatus } from "../../../controller/resources/thread.ts";
import type { ThreadStore } from "../../../controller/threads/thread-store.ts";

const AWAY_MS = 100;
const V1ALPHA1 = "weir.dev/v1alpha1";

const threadOf = ({ metadata }: KubeObject): string => metadata.labels?.[LABELS.thread] ?? "";

/** Agents, threads and messages of one namespace of a real cluster, and whoever plays kubelet and agent where there is none. */
export class ThreadScene {
  readonly #api: KubeApi;
  readonly #store: ThreadStore;
  readonly namespace: string;
  readonly #user: string;

  /** @param user owner of the threads */
  constructor(api: KubeApi, store: ThreadStore, namespace: string, user = "ada") {
    this.#api = api;
    this.#store = store;
    this.namespace = namespace;
    this.#user = user;
  }

  async agent(name: string, spec: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const metadata = { name, namespace: this.namespace };
    await this.#api.create(TYPES.agents, { apiVersion: V1ALPHA1, kind: "Agent", metadata, spec: { image: "example.com/helper:1", ...spec } });
  }

  /** With its row, as the API makes it. @returns its UID */
  async thread(name: string, agent = "helper"): Promise<string> {
    const spec = { agent, user: this.#user };
    const metadata = { name, namespace: this.namespace, finalizers: [FINALIZER] };
    const made = await this.#api.create(TYPES.threads, { apiVersion: V1ALPHA1, kind: "Thread", metadata, spec });
    const uid = made.metadata.uid ?? "";
    await this.#store.ensureThread({ uid, namespace: this.namespace, name, agent, owner: this.#user, parentUid: null }, Date.now());
    return uid;
  }

  /** @param key the same key is the same message */
  async post(uid: string, key: string): Promise<void> {
    await this.#store.post(uid, { sender: { role: "user", name: this.#user }, isForAgent: true, body: key, key }, Date.now());
  }

  async status(name: string): Promise<Partial<ThreadStatus>> {
    return (await this.#api.get(TYPES.threads, this.#ref(name)))?.["status"] ?? {};
  }

  async pods(): Promise<readonly KubeObject[]> {
    return (await this.#api.list(TYPES.pods, { namespace: this.namespace })).items;
  }

  async claims(): Promise<readonly KubeObject[]> {
    return (await this.#api.list(TYPES.claims, { namespace: this.namespace })).items;
  }

  async threads(): Promise<readonly KubeObject[]> {
    return (await this.#api.list(TYPES.threads, { namespace: this.namespace })).items;
  }

  async deleteThread(name: string): Promise<void> {
    await this.#api.remove(TYPES.threads, this.#ref(name));
  }

  /** As a person asks for it: what was posted before waits for the next message. The reconciler may write between the two calls: then again. */
  async stop(name: string): Promise<void> {
    for (;;) {
      const thread = await this.#api.get(TYPES.threads, this.#ref(name));
      if (thread === null) throw new Error(`there is no thread ${name}`);
      const stopped = { ...thread, spec: { ...thread["spec"] as object, stopRequestedAt: new Date().toISOString() } };
      const isWritten = await this.#api.replace(TYPES.threads, stopped).then(() => true, (error: unknown) => {
        if (error instanceof KubeError && error.status === 409) return false;
        throw error;
      });
      if (isWritten) return;
    }
  }

  /** As a kubelet reports it. A pod that is gone or has changed meanwhile is looked at again by the caller. */
  async report(pod: KubeObject, state: Readonly<Record<string, unknown>>, phase = "Running"): Promise<void> {
    const containerStatuses = [{ name: "agent", image: "none", imageID: "", ready: phase === "Running", restartCount: 0, state }];
    await this.#api.replace(TYPES.pods, { ...pod, status: { phase, containerStatuses } }, { subresource: "status" }).catch(() => undefined);
  }

  async runs(pod: KubeObject): Promise<void> {
    await this.report(pod, { running: { startedAt: new Date().toISOString() } });
  }

  async exits(pod: KubeObject, exitCode: number): Promise<void> {
    await this.report(pod, { terminated: { exitCode, reason: exitCode === 0 ? "Completed" : "Error" } }, exitCode === 0 ? "Succeeded" : "Failed");
  }

  /** Reads and acknowledges what waits for the thread, as its agent does. @returns the keys of the messages */
  async readAll(uid: string): Promise<readonly string[]> {
    const waiting = await this.#store.pending(uid, 100);
    const last = waiting.at(-1);
    if (last !== undefined) await this.#store.acknowledge(uid, last.id, Date.now());
    return waiting.map(({ body }) => body);
  }

  threadOf(pod: KubeObject): string {
    return threadOf(pod);
  }

  /** Removes our hold on threads of a test that has ended, so that the next one finds nothing. */
  async clear(): Promise<void> {
    for (const thread of await this.threads()) {
      const finalizers = (thread.metadata.finalizers ?? []).filter((name) => name !== FINALIZER);
      await this.#api.replace(TYPES.threads, { ...thread, metadata: { ...thread.metadata, finalizers } }).catch(() => undefined);
      await this.deleteThread(thread.metadata.name);
    }
  }

  #ref(name: string) {
    return { namespace: this.namespace, name };
  }
}

/** Watches the pods of a namespace and keeps in mind whether a thread ever had two at a time. Ends with the signal. */
export class PodWitness {
  /** Sentences; none if all was well. */
  readonly violations: string[] = [];
  made = 0;
  /** By performance.now(), when a thread's first pod was seen. */
  readonly firstSeenMs = new Map<string, number>();
  readonly #alive = new Map<string, string>();

  /** Goes on however often the API server goes away; after a restart it may have to look at what there is instead of at what happened. */
  async watch(api: KubeApi, namespace: string, signal: AbortSignal): Promise<void> {
    let from = await this.#look(api, namespace, signal);
    while (!signal.aborted) {
      try {
        for await (const event of api.watch(TYPES.pods, { namespace }, from, signal)) {
          from = event.type === "BOOKMARK" ? event.resourceVersion : event.object.metadata.resourceVersion ?? from;
          if (event.type !== "BOOKMARK") this.#see(event.type, event.object);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof KubeError && error.status === 410) from = await this.#look(api, namespace, signal).catch(() => from);
        await pause(AWAY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** @returns the version from which on to watch */
  async #look(api: KubeApi, namespace: string, signal: AbortSignal): Promise<string> {
    const { resourceVersion, items } = await api.list(TYPES.pods, { namespace }, signal);
    const uids = new Set(items.map(({ metadata }) => metadata.uid));
    for (const [thread, uid] of [...this.#alive]) if (!uids.has(uid)) this.#alive.delete(thread);
    for (const pod of items) if (this.#alive.get(threadOf(pod)) !== pod.metadata.uid) this.#see("ADDED", pod);
    return resourceVersion;
  }

  #see(type: "ADDED" | "MODIFIED" | "DELETED", pod: KubeObject): void {
    const thread = threadOf(pod);
    const uid = pod.metadata.uid ?? "";
    const known = this.#alive.get(thread);
    if (type === "ADDED") {
      this.made += 1;
      if (!this.firstSeenMs.has(thread)) this.firstSeenMs.set(thread, performance.now());
      if (known !== undefined && known !== uid) this.violations.push(`thread ${thread} had the pods ${known} and ${uid} at a time`);
      this.#alive.set(thread, uid);
    }
    if (type === "DELETED" && known === uid) this.#alive.delete(thread);
  }
}
