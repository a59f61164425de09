import type { Informer, KubeObject, ObjectRef } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { LABELS, MANAGED_BY_CONTROLLER } from "../../common/labels.ts";
import { readAgent, readThread, type Reading } from "../resources/read.ts";
import type { Agent } from "../resources/agent.ts";
import type { Thread } from "../resources/thread.ts";
import type { AgentFacts } from "./facts.ts";
import { podNameOf } from "./names.ts";
import { ownerThreadUid } from "./pod-facts.ts";
import type { ReconcilerDeps } from "./ports.ts";

/** `namespace/name`, the key of threads and of agents. */
export const keyOf = ({ namespace, name }: ObjectRef): string => `${namespace ?? ""}/${name}`;
export function refOf(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf("/");
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Told the key of what changed. Must not throw. */
export interface ViewListener {
  threadChanged(key: string): void;
  agentChanged(agentKey: string): void;
  /** A pod of a thread is there, whatever its state. */
  podSeen(key: string, agentKey: string): void;
}

const OURS = { labelSelector: `${LABELS.managedBy}=${MANAGED_BY_CONTROLLER}` };

/** Threads, agents and what we made for them, from caches; with the ways from one to the other that the caches do not have. */
export class ClusterView {
  readonly #threads: Informer;
  readonly #agents: Informer;
  readonly #pods: Informer;
  readonly #claims: Informer;
  readonly #known = new Map<string, { readonly uid: string; readonly agentKey: string }>();
  readonly #keyByUid = new Map<string, string>();
  readonly #keysByAgent = new Map<string, Set<string>>();
  readonly #keyByPod = new Map<string, string>();
  readonly #keyByClaim = new Map<string, string>();
  readonly #claimsByKey = new Map<string, Set<string>>();
  /** The parsed form of an object, for as long as the cache has this very object. */
  readonly #threadReadings = new WeakMap<KubeObject, Reading<Thread>>();
  readonly #agentReadings = new WeakMap<KubeObject, Reading<Agent>>();

  constructor(open: ReconcilerDeps["openInformer"], listener: ViewListener) {
    this.#threads = open(TYPES.threads, {}, withoutFieldOwners);
    this.#agents = open(TYPES.agents, {}, withoutFieldOwners);
    this.#pods = open(TYPES.pods, OURS, withoutSpec);
    this.#claims = open(TYPES.claims, OURS, withoutSpec);
    this.#threads.onChange((ref, object) => { this.#threadChanged(keyOf(ref), object, listener); });
    this.#agents.onChange((ref) => { listener.agentChanged(keyOf(ref)); });
    this.#pods.onChange((ref, object) => { this.#podChanged(keyOf(ref), object, listener); });
    this.#claims.onChange((ref, object) => { this.#claimChanged(ref, object, listener); });
  }

  /** Runs the caches until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#all().map(async (informer) => informer.run(signal)));
  }

  async synced(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#all().map(async (informer) => informer.synced(signal)));
  }

  threadKeys(): readonly string[] {
    return [...this.#known.keys()];
  }

  threadUids(): readonly string[] {
    return [...this.#keyByUid.keys()];
  }

  keyOfUid(uid: string): string | undefined {
    return this.#keyByUid.get(uid);
  }

  thread(key: string): { readonly object: KubeObject; readonly reading: Reading<Thread> } | null {
    const object = this.#threads.get(refOf(key));
    return object === undefined ? null : { object, reading: memoized(this.#threadReadings, object, readThread) };
  }

  agentObject(agentKey: string): KubeObject | undefined {
    return this.#agents.get(refOf(agentKey));
  }

  agent(agentKey: string): AgentFacts {
    const object = this.agentObject(agentKey);
    if (object === undefined || object.metadata.deletionTimestamp !== undefined) return { kind: "missing" };
    const reading = memoized(this.#agentReadings, object, readAgent);
    return reading.isReadable ? { kind: "present", agent: reading.resource } : { kind: "unreadable", problem: reading.problems.join("; ") };
  }

  /** Whatever of ours is under the name of the thread's pod. */
  pod(key: string): KubeObject | null {
    const { namespace, name } = refOf(key);
    return this.#pods.get({ namespace, name: podNameOf(name) }) ?? null;
  }

  claims(key: string): readonly KubeObject[] {
    const { namespace } = refOf(key);
    const names = [...this.#claimsByKey.get(key) ?? []];
    return names.map((name) => this.#claims.get({ namespace, name })).filter((claim) => claim !== undefined);
  }

  threadsOf(agentKey: string): ReadonlySet<string> {
    return this.#keysByAgent.get(agentKey) ?? new Set();
  }

  #all(): readonly Informer[] {
    return [this.#threads, this.#agents, this.#pods, this.#claims];
  }

  #threadChanged(key: string, object: KubeObject | null, listener: ViewListener): void {
    const before = this.#known.get(key);
    const agent = (object?.["spec"] as { readonly agent?: unknown } | undefined)?.agent;
    const now = { uid: object?.metadata.uid ?? "", agentKey: `${refOf(key).namespace}/${typeof agent === "string" ? agent : ""}` };
    if (before !== undefined && (object === null || before.uid !== now.uid || before.agentKey !== now.agentKey)) {
      this.#known.delete(key);
      this.#keyByUid.delete(before.uid);
      removeFrom(this.#keysByAgent, before.agentKey, key);
    }
    if (object !== null && !this.#known.has(key)) {
      this.#known.set(key, now);
      this.#keyByUid.set(now.uid, key);
      addTo(this.#keysByAgent, now.agentKey, key);
    }
    listener.threadChanged(key);
  }

  /** Under any other name than the thread's own it was not made here, whatever its labels say. */
  #podChanged(podKey: string, object: KubeObject | null, listener: ViewListener): void {
    const key = object === null ? this.#keyByPod.get(podKey) : labelled(object, LABELS.thread);
    if (object === null) this.#keyByPod.delete(podKey);
    if (key === undefined || refOf(podKey).name !== podNameOf(refOf(key).name)) return;
    if (object !== null) {
      this.#keyByPod.set(podKey, key);
      const agentKey = labelled(object, LABELS.agent);
      if (agentKey !== undefined && ownerThreadUid(object) !== null) listener.podSeen(key, agentKey);
    }
    listener.threadChanged(key);
  }

  #claimChanged(ref: ObjectRef, object: KubeObject | null, listener: ViewListener): void {
    const claimKey = keyOf(ref);
    const key = object === null ? this.#keyByClaim.get(claimKey) : labelled(object, LABELS.thread);
    if (key === undefined) return;
    if (object === null) {
      this.#keyByClaim.delete(claimKey);
      removeFrom(this.#claimsByKey, key, ref.name);
    } else {
      this.#keyByClaim.set(claimKey, key);
      addTo(this.#claimsByKey, key, ref.name);
    }
    listener.threadChanged(key);
  }
}

/** Who owns which field is half of an object, and nothing to us. */
function withoutFieldOwners(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata as KubeObject["metadata"] & { readonly managedFields?: unknown };
  return { ...object, metadata };
}

/** Pods by the thousand are large; of theirs only the state is asked for. */
function withoutSpec(object: KubeObject): KubeObject {
  const { spec: _, ...rest } = withoutFieldOwners(object);
  return rest;
}

function labelled({ metadata }: KubeObject, label: string): string | undefined {
  const name = metadata.labels?.[label];
  return name === undefined ? undefined : `${metadata.namespace ?? ""}/${name}`;
}

function memoized<T>(memory: WeakMap<KubeObject, Reading<T>>, object: KubeObject, read: (object: KubeObject) => Reading<T>): Reading<T> {
  const reading = memory.get(object) ?? read(object);
  memory.set(object, reading);
  return reading;
}

function addTo(sets: Map<string, Set<string>>, key: string, member: string): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([member]));
  else set.add(member);
}

function removeFrom(sets: Map<string, Set<string>>, key: string, member: string): void {
  const set = sets.get(key);
  set?.delete(member);
  if (set?.size === 0) sets.delete(key);
}
