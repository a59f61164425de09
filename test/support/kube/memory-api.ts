import { randomUUID } from "node:crypto";
import {
  KubeError, type ApplyOptions, type KubeApi, type KubeList, type KubeObject, type ListQuery, type ObjectRef, type RemoveOptions, type ResourceType, type WatchEvent,
} from "../../../common/kube/kube-api.ts";

/** One request as the tests see it: `list pods`, `create leases default/weir`. */
export type SeenRequest = string;

interface LoggedEvent {
  readonly version: number;
  readonly plural: string;
  readonly event: Exclude<WatchEvent, { type: "BOOKMARK" }>;
}

interface OpenWatch {
  readonly wake: () => void;
  end: { readonly error: Error | null } | undefined;
}

/**
 * A Kubernetes API for unit tests, in memory and without a clock of its own: versions that only go up, compare-and-swap, finalizers, watches with
 * 410 after `compact`. It knows no schema, no defaults, no admission and no field managers: apply merges, and whoever wants more takes a real API server.
 */
export class MemoryKubeApi implements KubeApi {
  readonly requests: SeenRequest[] = [];
  /** Answers of `post` and `read` by path. */
  readonly answers = new Map<string, (body: object | undefined) => unknown>();
  /** Thrown, once each, by the calls that begin with the text; `*` is any call. */
  readonly #faults: { readonly call: string; readonly error: Error }[] = [];
  readonly #objects = new Map<string, KubeObject>();
  readonly #events: LoggedEvent[] = [];
  readonly #watches = new Set<OpenWatch>();
  readonly #waiting: { readonly call: string; readonly resolve: () => void }[] = [];
  #version = 100;
  #oldest = 0;

  /** The next call that begins with this text fails. @param call e.g. `create pods` */
  failNext(call: string, error: Error): void {
    this.#faults.push({ call, error });
  }

  /** Resolves at the next call that begins with this text. */
  async seen(call: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ call, resolve });
    await promise;
  }

  /** Ends all watches: by the server if there is no error. */
  breakWatches(error: Error | null = null): void {
    for (const watch of [...this.#watches]) {
      watch.end = { error };
      watch.wake();
    }
  }

  /** Forgets the past: watches from before now get 410. */
  compact(): void {
    this.#oldest = this.#version;
    this.#events.length = 0;
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  async get(type: ResourceType, ref: ObjectRef, signal?: AbortSignal): Promise<KubeObject | null> {
    await this.#enter("get", type, ref, signal);
    return copy(this.#objects.get(keyOf(type, ref))) ?? null;
  }

  async list(type: ResourceType, query: ListQuery, signal?: AbortSignal): Promise<KubeList> {
    await this.#enter("list", type, undefined, signal);
    const items = [...this.#objects].filter(([key, object]) => key.startsWith(`${type.plural} `) && isWanted(object, query)).map(([, object]) => copy(object));
    return { resourceVersion: String(this.#version), items };
  }

  async create(type: ResourceType, object: KubeObject, signal?: AbortSignal): Promise<KubeObject> {
    await this.#enter("create", type, object.metadata, signal);
    if (this.#objects.has(keyOf(type, object.metadata))) throw new KubeError(409, "AlreadyExists", `${type.plural} "${object.metadata.name}" already exists`);
    return this.#store(type, { ...object, metadata: { ...object.metadata, uid: randomUUID(), generation: 1, creationTimestamp: "2026-01-01T00:00:00Z" } }, "ADDED");
  }

  async replace(type: ResourceType, object: KubeObject, options: { readonly subresource?: "status" } = {}, signal?: AbortSignal): Promise<KubeObject> {
    await this.#enter(options.subresource === "status" ? "replace-status" : "replace", type, object.metadata, signal);
    const before = this.#mustHave(type, object.metadata);
    const { resourceVersion, uid } = object.metadata;
    if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) throw new KubeError(409, "Conflict", "the object has been modified");
    const metadata = { ...object.metadata, uid: uid ?? before.metadata.uid ?? "" };
    return this.#put(type, options.subresource === "status" ? { ...before, status: object["status"] } : { ...object, metadata });
  }

  async apply(type: ResourceType, object: KubeObject, options: ApplyOptions, signal?: AbortSignal): Promise<KubeObject> {
    await this.#enter(options.subresource === "status" ? "apply-status" : "apply", type, object.metadata, signal);
    const before = this.#objects.get(keyOf(type, object.metadata));
    if (before !== undefined) return this.#put(type, merge(before, object) as KubeObject);
    if (options.subresource !== undefined) throw notFound(type, object.metadata);
    return this.#store(type, { ...object, metadata: { ...object.metadata, uid: randomUUID(), generation: 1, creationTimestamp: "2026-01-01T00:00:00Z" } }, "ADDED");
  }

  async remove(type: ResourceType, ref: ObjectRef, options: RemoveOptions = {}, signal?: AbortSignal): Promise<boolean> {
    await this.#enter("remove", type, ref, signal);
    const object = this.#objects.get(keyOf(type, ref));
    if (object === undefined) return false;
    if (options.uid !== undefined && options.uid !== object.metadata.uid) throw new KubeError(409, "Conflict", "the UID in the precondition does not match");
    if ((object.metadata.finalizers ?? []).length > 0) this.#store(type, { ...object, metadata: { ...object.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } }, "MODIFIED");
    else this.#delete(type, object);
    return true;
  }

  async *watch(type: ResourceType, query: ListQuery, resourceVersion: string, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    await this.#enter("watch", type, undefined, signal);
    let after = Number(resourceVersion);
    if (after < this.#oldest) throw new KubeError(410, "Expired", "too old resource version");
    let turn = Promise.withResolvers<void>();
    const watch: OpenWatch = { wake: () => { turn.resolve(); }, end: undefined };
    this.#watches.add(watch);
    signal.addEventListener("abort", watch.wake);
    try {
      while (watch.end === undefined) {
        signal.throwIfAborted();
        turn = Promise.withResolvers();
        const events = this.#events.filter(({ version, plural, event }) => version > after && plural === type.plural && isWanted(event.object, query));
        for (const { version, event } of events) {
          after = version;
          yield copy(event);
        }
        if (events.length === 0) await turn.promise;
      }
      if (watch.end.error !== null) throw watch.end.error;
    } finally {
      signal.removeEventListener("abort", watch.wake);
      this.#watches.delete(watch);
    }
  }

  async post(path: string, body: object, signal?: AbortSignal): Promise<unknown> {
    return this.#answer("post", path, body, signal);
  }

  async read(path: string, signal?: AbortSignal): Promise<unknown> {
    return this.#answer("read", path, undefined, signal);
  }

  async close(): Promise<void> {
    this.breakWatches();
  }

  async #answer(verb: string, path: string, body: object | undefined, signal: AbortSignal | undefined): Promise<unknown> {
    await this.#note(`${verb} ${path}`, signal);
    const answer = this.answers.get(path);
    if (answer === undefined) throw new KubeError(404, "NotFound", `nothing answers ${path}`);
    return answer(body);
  }

  async #enter(verb: string, type: ResourceType, ref: ObjectRef | undefined, signal: AbortSignal | undefined): Promise<void> {
    if (ref !== undefined && type.isNamespaced !== (ref.namespace !== undefined)) throw new KubeError(400, "BadRequest", `${type.kind}: namespace out of place`);
    await this.#note(`${verb} ${type.plural}${ref === undefined ? "" : ` ${ref.namespace === undefined ? "" : `${ref.namespace}/`}${ref.name}`}`, signal);
  }

  async #note(request: SeenRequest, signal: AbortSignal | undefined): Promise<void> {
    await Promise.resolve();
    signal?.throwIfAborted();
    this.requests.push(request);
    for (const waiter of this.#waiting.filter(({ call }) => request.startsWith(call))) {
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      waiter.resolve();
    }
    const fault = this.#faults.findIndex(({ call }) => call === "*" || request.startsWith(call));
    if (fault !== -1) throw this.#faults.splice(fault, 1)[0]!.error;
  }

  #mustHave(type: ResourceType, ref: ObjectRef): KubeObject {
    const object = this.#objects.get(keyOf(type, ref));
    if (object === undefined) throw notFound(type, ref);
    return object;
  }

  /** An object that is being deleted goes with its last finalizer. */
  #put(type: ResourceType, object: KubeObject): KubeObject {
    const isOver = object.metadata.deletionTimestamp !== undefined && (object.metadata.finalizers ?? []).length === 0;
    if (isOver) return this.#delete(type, object);
    return this.#store(type, object, "MODIFIED");
  }

  #store(type: ResourceType, object: KubeObject, event: "ADDED" | "MODIFIED"): KubeObject {
    const before = this.#objects.get(keyOf(type, object.metadata));
    const isNewSpec = before !== undefined && JSON.stringify(before["spec"]) !== JSON.stringify(object["spec"]);
    const generation = isNewSpec ? (before.metadata.generation ?? 0) + 1 : object.metadata.generation ?? 1;
    const stored = copy({
      apiVersion: type.group === "" ? type.version : `${type.group}/${type.version}`, kind: type.kind, ...object,
      metadata: { ...object.metadata, generation, resourceVersion: String(this.#version += 1) },
    });
    this.#objects.set(keyOf(type, object.metadata), stored);
    this.#log(type, event, stored);
    return copy(stored);
  }

  #delete(type: ResourceType, object: KubeObject): KubeObject {
    this.#objects.delete(keyOf(type, object.metadata));
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version += 1) } };
    this.#log(type, "DELETED", last);
    return copy(last);
  }

  #log(type: ResourceType, event: "ADDED" | "MODIFIED" | "DELETED", object: KubeObject): void {
    this.#events.push({ version: this.#version, plural: type.plural, event: { type: event, object } });
    for (const watch of this.#watches) watch.wake();
  }
}

const keyOf = (type: ResourceType, { namespace, name }: ObjectRef): string => `${type.plural} ${namespace ?? ""}/${name}`;
const notFound = (type: ResourceType, { name }: ObjectRef): KubeError => new KubeError(404, "NotFound", `${type.plural} "${name}" not found`);
const copy = <T>(value: T): T => structuredClone(value);

/** Equality and existence are the selectors that it knows. */
function isWanted(object: KubeObject, { namespace, labelSelector = "", fieldSelector = "" }: ListQuery): boolean {
  const labels = object.metadata.labels ?? {};
  const isLabelled = labelSelector.split(",").filter((part) => part !== "").every((part) => {
    const [key = "", value] = part.split("=");
    return value === undefined ? key in labels : labels[key] === value;
  });
  const isField = fieldSelector.split(",").filter((part) => part !== "").every((part) => {
    const [path = "", value] = part.split("=");
    const found = path.split(".").reduce((at: unknown, field) => (at as Record<string, unknown> | undefined)?.[field], object);
    return found === value;
  });
  return isLabelled && isField && (namespace === undefined || namespace === object.metadata.namespace);
}

/** Objects field by field, all else as a whole. */
function merge(before: unknown, over: unknown): unknown {
  const isMapping = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isMapping(before) || !isMapping(over)) return over;
  return { ...before, ...Object.fromEntries(Object.entries(over).map(([key, value]) => [key, key in before ? merge(before[key], value) : value])) };
}
