import { setTimeout as sleep } from "node:timers/promises";
import { systemClock, type Clock } from "../clock.ts";
import { describeError } from "../lifecycle.ts";
import type { Log } from "../log.ts";
import { KubeError, type Informer, type KubeApi, type KubeObject, type ListQuery, type ObjectRef, type ResourceType, type WatchEvent } from "./kube-api.ts";
import { ObjectCache, type Change } from "./object-cache.ts";
import { RetryPace } from "./retry-pace.ts";
import { noAnswer } from "./kube-status.ts";

type Listener = (key: ObjectRef, object: KubeObject | null) => void;

export interface InformerOptions {
  readonly log: Log;
  readonly clock?: Clock;
  /** What is kept of an object and told to listeners: pods by the thousand are large. Must keep name, namespace, uid and resourceVersion of `metadata`. */
  readonly select?: (object: KubeObject) => KubeObject;
  readonly random?: () => number;
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * An informer over list and watch. A watch that the server ended or whose connection broke goes on where it was, any other trouble (410, an error
 * of the server, silence, something that cannot be read) leads to a new list, whose differences are told like events. One request at a time.
 */
export function openInformer(api: KubeApi, type: ResourceType, query: ListQuery, options: InformerOptions): Informer {
  return new ListWatchInformer({ api, type, query }, options);
}

interface Source {
  readonly api: KubeApi;
  readonly type: ResourceType;
  readonly query: ListQuery;
}

class ListWatchInformer implements Informer {
  readonly #source: Source;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly #pace: RetryPace;
  readonly #cache: ObjectCache;
  readonly #listeners = new Set<Listener>();
  readonly #firstList = Promise.withResolvers<void>();
  /** Version that the watch goes on from; none: list first. */
  #version: string | undefined;
  #lastSeenMs = Number.NEGATIVE_INFINITY;

  constructor(source: Source, options: InformerOptions) {
    this.#source = source;
    this.#log = options.log;
    this.#clock = options.clock ?? systemClock;
    this.#pause = options.pause ?? (async (ms, signal) => { await sleep(ms, undefined, { signal }); });
    this.#pace = new RetryPace(options.random);
    this.#cache = new ObjectCache(options.select ?? ((object) => object));
  }

  get lastSeenMs(): number {
    return this.#lastSeenMs;
  }

  get(ref: ObjectRef): KubeObject | undefined {
    return this.#cache.get(ref);
  }

  list(): readonly KubeObject[] {
    return this.#cache.list();
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => { this.#listeners.delete(listener); };
  }

  async synced(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => { aborted.reject(signal.reason as Error); };
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await Promise.race([this.#firstList.promise, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const startedMs = this.#clock.monotonicMs();
      const trouble = await this.#round(signal).then(() => null, (error: unknown) => error);
      if (signal.aborted) return;
      // To the last sign of life, not to the end: a server that lets requests hang has not worked.
      const pauseMs = this.#pace.next(Math.max(0, this.#lastSeenMs - startedMs));
      if (trouble !== null) this.#note(trouble, pauseMs);
      await this.#pause(pauseMs, signal).catch(() => undefined);
    }
  }

  /** Ends when the server ends the watch. */
  async #round(signal: AbortSignal): Promise<void> {
    const { api, type, query } = this.#source;
    this.#version ??= await this.#relist(signal);
    for await (const event of api.watch(type, query, this.#version, signal)) this.#take(event);
  }

  async #relist(signal: AbortSignal): Promise<string> {
    const { api, type, query } = this.#source;
    const { resourceVersion, items } = await api.list(type, query, signal);
    this.#lastSeenMs = this.#clock.monotonicMs();
    this.#tell(this.#cache.replaceAll(items));
    this.#firstList.resolve();
    return resourceVersion;
  }

  #take(event: WatchEvent): void {
    this.#lastSeenMs = this.#clock.monotonicMs();
    const version = event.type === "BOOKMARK" ? event.resourceVersion : event.object.metadata.resourceVersion;
    if (version === undefined) throw noAnswer("Malformed", `watch of ${this.#source.type.plural}`, "an object without a version");
    if (event.type !== "BOOKMARK") this.#tell(event.type === "DELETED" ? this.#cache.drop(event.object) : this.#cache.put(event.object));
    this.#version = version;
  }

  #tell(changes: readonly Change[]): void {
    for (const [key, object] of changes) {
      for (const listener of [...this.#listeners]) {
        try {
          listener(key, object);
        } catch (error) {
          this.#log.error("informer.listener-failed", { type: this.#source.type.plural, ...key, error: describeError(error) });
        }
      }
    }
  }

  #note(trouble: unknown, pauseMs: number): void {
    const isBrokenConnection = trouble instanceof KubeError && trouble.status === 0 && ["Unreachable", "Timeout"].includes(trouble.reason);
    if (!isBrokenConnection) this.#version = undefined;
    this.#log.warn("informer.interrupted", {
      type: this.#source.type.plural, error: describeError(trouble), pauseMs: Math.round(pauseMs), next: this.#version === undefined ? "list" : "watch",
    });
  }
}
