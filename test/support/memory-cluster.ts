import type { ApplyOptions, Informer, KubeApi, KubeList, KubeObject, ListQuery, ObjectRef, RemoveOptions, ResourceType, WatchEvent } from "../../common/kube/kube-api.ts";
import { KubeError } from "../../common/kube/kube-api.ts";

/** What a fake call does instead of its work: a fault of the network, before or after the API server has done it. */
export type Fault = "before" | "after" | null;
type Listener = (ref: ObjectRef, object: KubeObject | null) => void;

const pathOf = (type: ResourceType, { namespace, name }: ObjectRef) => `${type.plural}/${namespace ?? ""}/${name}`;
const clone = <T>(value: T): T => structuredClone(value);

/**
 * An API server in memory, as far as the reconciler can tell: names are taken, UIDs and versions are checked, finalizers and grace hold deletion up,
 * apply merges. It checks no schema and knows no permission: the cluster tier has a real one.
 */
export class MemoryCluster implements KubeApi {
  readonly #objects = new Map<string, KubeObject>();
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly nowMs: () => number;
  /** Asked before each write. */
  fault: (what: string) => Fault = () => null;
  /** How far the caches are behind. */
  lagMs = 0;
  /** Every write that was done, in order. */
  readonly writes: string[] = [];
  #version = 0;

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  all(type: ResourceType): readonly KubeObject[] {
    return [...this.#objects].filter(([path]) => path.startsWith(`${type.plural}/`)).map(([, object]) => object);
  }

  async get(type: ResourceType, ref: ObjectRef): Promise<KubeObject | null> {
    return clone(this.#objects.get(pathOf(type, ref)) ?? null);
  }

  async list(type: ResourceType): Promise<KubeList> {
    return { resourceVersion: String(this.#version), items: this.all(type).map(clone) };
  }

  async create(type: ResourceType, object: KubeObject): Promise<KubeObject> {
    return this.#write("create", type, object.metadata, () => {
      if (this.#objects.has(pathOf(type, object.metadata))) throw new KubeError(409, "AlreadyExists", `${object.metadata.name} already exists`);
      const uid = `${type.plural}-${this.#version + 1}`;
      return this.#put(type, { ...object, metadata: { ...object.metadata, uid, creationTimestamp: new Date(this.nowMs()).toISOString().replace(/\.\d+Z$/, "Z") } });
    });
  }

  async replace(type: ResourceType, object: KubeObject): Promise<KubeObject> {
    return this.#write("replace", type, object.metadata, () => {
      const current = this.#current(type, object);
      if (object.metadata.resourceVersion !== current.metadata.resourceVersion) throw new KubeError(409, "Conflict", "the object has been modified");
      return this.#put(type, object);
    });
  }

  async apply(type: ResourceType, object: KubeObject, options: ApplyOptions): Promise<KubeObject> {
    return this.#write(options.subresource === "status" ? "apply-status" : "apply", type, object.metadata, () => {
      const current = this.#current(type, object);
      if (options.subresource === "status") return this.#put(type, { ...current, status: object["status"] });
      const finalizers = [...new Set([...current.metadata.finalizers ?? [], ...object.metadata.finalizers ?? []])];
      return this.#put(type, { ...current, metadata: { ...current.metadata, finalizers } });
    });
  }

  /** A pod that runs stays until {@link end}, as one does while its containers are given time. */
  async remove(type: ResourceType, ref: ObjectRef, options: RemoveOptions = {}): Promise<boolean> {
    return this.#write("remove", type, ref, () => {
      const current = this.#objects.get(pathOf(type, ref));
      if (current === undefined) return false;
      if (options.uid !== undefined && options.uid !== current.metadata.uid) throw new KubeError(409, "Conflict", "another UID");
      const isHeld = (current.metadata.finalizers ?? []).length > 0 || (type.plural === "pods" && current["status"] !== undefined);
      if (isHeld) this.#put(type, { ...current, metadata: { ...current.metadata, deletionTimestamp: new Date(this.nowMs()).toISOString() } });
      else this.end(type, ref);
      return true;
    });
  }

  /** The object is gone, as after its grace or by force. */
  end(type: ResourceType, ref: ObjectRef): void {
    if (this.#objects.delete(pathOf(type, ref))) this.#tell(type, ref, null);
  }

  /** Somebody else changes an object. */
  change(type: ResourceType, ref: ObjectRef, how: (object: KubeObject) => KubeObject): void {
    const current = this.#objects.get(pathOf(type, ref));
    if (current !== undefined) this.#put(type, how(clone(current)));
  }

  /** A cache that is told of each change after {@link lagMs}; run only lists. Of selectors it knows `label=value`. */
  informer(type: ResourceType, { labelSelector = "" }: ListQuery, select: (object: KubeObject) => KubeObject): Informer {
    const cache = new Map<string, KubeObject>();
    const listeners = new Set<Listener>();
    const [label = "", value] = labelSelector.split("=");
    const put: Listener = (ref, object) => {
      if (object !== null && value !== undefined && object.metadata.labels?.[label] !== value) return;
      if (object === null) cache.delete(pathOf(type, ref));
      else cache.set(pathOf(type, ref), object);
      for (const listener of listeners) listener(ref, object);
    };
    const take: Listener = (ref, object) => {
      const told = object === null ? null : select(clone(object));
      if (this.lagMs === 0) put(ref, told);
      else setTimeout(put, this.lagMs, ref, told);
    };
    const { promise, resolve } = Promise.withResolvers<void>();
    return {
      run: async (signal) => {
        const all = this.#listeners.get(type.plural) ?? new Set();
        this.#listeners.set(type.plural, all.add(take));
        for (const object of this.all(type)) put(object.metadata, select(clone(object)));
        resolve();
        await new Promise<void>((ended) => {
          if (signal.aborted) ended();
          else signal.addEventListener("abort", () => { ended(); }, { once: true });
        });
        all.delete(take);
      },
      synced: async () => promise,
      get: (ref) => cache.get(pathOf(type, ref)),
      list: () => [...cache.values()],
      onChange: (listener) => {
        listeners.add(listener);
        return () => { listeners.delete(listener); };
      },
      lastSeenMs: 0,
    };
  }

  watch(_type: ResourceType, _query: ListQuery, _resourceVersion: string): AsyncIterable<WatchEvent> {
    throw new Error("there is nothing to watch");
  }

  async post(): Promise<unknown> {
    throw new Error("there is nothing to post to");
  }

  async read(): Promise<unknown> {
    throw new Error("there is nothing to read");
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }

  #write<T>(verb: string, type: ResourceType, ref: ObjectRef, work: () => T): T {
    const what = `${verb} ${type.plural} ${ref.name}`;
    const fault = this.fault(what);
    if (fault === "before") throw new KubeError(0, "Unreachable", what);
    const result = work();
    this.writes.push(what);
    if (fault === "after") throw new KubeError(0, "Timeout", what);
    return clone(result);
  }

  #current(type: ResourceType, { metadata }: KubeObject): KubeObject {
    const current = this.#objects.get(pathOf(type, metadata));
    if (current === undefined || (metadata.uid !== undefined && metadata.uid !== current.metadata.uid)) throw new KubeError(409, "Conflict", "uid mismatch");
    return current;
  }

  #put(type: ResourceType, object: KubeObject): KubeObject {
    this.#version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
    if (stored.metadata.deletionTimestamp !== undefined && (stored.metadata.finalizers ?? []).length === 0 && type.plural !== "pods") this.end(type, stored.metadata);
    else {
      this.#objects.set(pathOf(type, stored.metadata), stored);
      this.#tell(type, stored.metadata, stored);
    }
    return stored;
  }

  #tell(type: ResourceType, { namespace, name }: ObjectRef, object: KubeObject | null): void {
    for (const listener of [...this.#listeners.get(type.plural) ?? []]) listener({ ...(namespace === undefined ? {} : { namespace }), name }, object);
  }
}
