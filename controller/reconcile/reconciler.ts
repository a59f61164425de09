import { setTimeout as sleep } from "node:timers/promises";
import { describeError } from "../../common/lifecycle.ts";
import type { Demand } from "../threads/thread-store.ts";
import { writeAgentStatus } from "./agent-status.ts";
import { ClusterView } from "./cluster-view.ts";
import { isUnused } from "./facts.ts";
import { Fleet } from "./fleet.ts";
import type { ReconcilerDeps } from "./ports.ts";
import { WorkQueue } from "./queue.ts";
import { forgetStrays } from "./forget-strays.ts";
import { messagesSeen, openedMsOf, reconcileThread, type Turns } from "./reconcile-thread.ts";
import { ThreadMemories } from "./thread-memory.ts";

/**
 * Keeps the instances of all threads as they should be until the signal aborts; then ends what is in hand and resolves. To be run by one controller
 * at a time: two would do nothing wrong, because names and UIDs decide at the API server, but everything twice.
 */
export async function runReconciler(deps: ReconcilerDeps, signal: AbortSignal): Promise<void> {
  await new Reconciler(deps).run(signal);
}

class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #threads: WorkQueue;
  readonly #agents: WorkQueue;
  readonly #fleet = new Fleet();
  readonly #memories = new ThreadMemories();
  readonly #view: ClusterView;
  readonly #turns: Turns;
  /** Position in the list of threads from which on the next poll looks at some without a cause. */
  #resyncAt = 0;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#threads = new WorkQueue(deps.clock, deps.config);
    this.#agents = new WorkQueue(deps.clock, deps.config);
    this.#view = new ClusterView(deps.openInformer, {
      threadChanged: (key) => { this.#threadChanged(key); },
      agentChanged: (agentKey) => { this.#agentChanged(agentKey); },
      podSeen: (key, agentKey) => { this.#fleet.notice(key, agentKey); },
    });
    const enqueue = (keys: readonly string[]) => { for (const key of keys) this.#threads.add(key); };
    this.#turns = { deps, view: this.#view, fleet: this.#fleet, memories: this.#memories, enqueue };
  }

  async run(signal: AbortSignal): Promise<void> {
    const caches = this.#view.run(signal);
    const stopListening = this.#deps.store.onSignal((uid) => { this.#signalled(uid); });
    try {
      await this.#view.synced(signal).catch(() => undefined);
      if (signal.aborted) return;
      await this.#lineUp().catch((error: unknown) => { this.#failed("poll", error); });
      this.#deps.log.info("reconcile.started", { threads: this.#view.threadKeys().length });
      await Promise.all([
        this.#threads.run(this.#deps.config.workers, this.#handleThread, this.#failed, signal),
        this.#agents.run(1, this.#handleAgent, this.#failed, signal),
        this.#poll(signal),
        this.#sweep(signal),
      ]);
    } finally {
      stopListening();
      await caches;
    }
  }

  readonly #handleThread = async (key: string, signal: AbortSignal): Promise<number | null> => {
    const { clock, metrics } = this.#deps;
    const startedMs = clock.monotonicMs();
    let isDone = false;
    try {
      const wakeAfterMs = await reconcileThread(key, this.#turns, signal);
      isDone = true;
      return wakeAfterMs;
    } finally {
      metrics.reconciled(isDone, clock.monotonicMs() - startedMs);
      metrics.queueDepth(this.#threads.depth);
    }
  };

  readonly #handleAgent = async (agentKey: string, signal: AbortSignal): Promise<null> => {
    await writeAgentStatus(agentKey, { view: this.#view, fleet: this.#fleet, kube: this.#deps.kube }, signal);
    return null;
  };

  readonly #failed = (key: string, error: unknown): void => {
    this.#deps.log.warn("reconcile.failed", { key, error: describeError(error) });
  };

  #threadChanged(key: string): void {
    this.#threads.add(key);
    const reading = this.#view.thread(key)?.reading;
    if (reading?.isReadable === true) this.#countSoon(`${reading.resource.metadata.namespace}/${reading.resource.spec.agent}`);
  }

  /** All its threads: one may have waited for just this change. */
  #agentChanged(agentKey: string): void {
    for (const key of this.#view.threadsOf(agentKey)) this.#threads.add(key);
    this.#countSoon(agentKey);
  }

  /** Counts change with every pod; they are written now and then. */
  #countSoon(agentKey: string): void {
    this.#agents.addAfter(agentKey, this.#deps.config.statusIntervalMs);
  }

  #signalled(uid: string): void {
    const key = this.#view.keyOfUid(uid);
    // A thread that the cache does not have yet is looked at when it comes.
    if (key === undefined) return;
    this.#memories.of(key, uid).signalAtMs ??= this.#deps.clock.monotonicMs();
    this.#threads.add(key);
  }

  /** Who waited, or was opened last, under the last controller is so under this one, whichever thread is looked at first. */
  async #lineUp(): Promise<void> {
    for (const [uid, demand] of await this.#deps.store.demands()) {
      const key = this.#view.keyOfUid(uid);
      const reading = key === undefined ? undefined : this.#view.thread(key)?.reading;
      if (key === undefined || reading?.isReadable !== true || this.#view.pod(key) !== null) continue;
      const { metadata, spec } = reading.resource;
      const seeker = { key, agentKey: `${metadata.namespace}/${spec.agent}`, oldestUnreadMs: demand.oldestUnreadMs };
      if (demand.unread > 0) this.#fleet.wait(seeker);
      else if (isUnused({ demand, pod: null })) this.#fleet.propose(seeker, openedMsOf(reading.resource));
    }
  }

  async #rest(ms: number, signal: AbortSignal): Promise<void> {
    const { pause = async (restMs: number, stop: AbortSignal) => { await sleep(restMs, undefined, { signal: stop }); } } = this.#deps;
    await pause(ms, signal).catch(() => undefined);
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await forgetStrays(this.#view.threadUids(), this.#deps, signal).catch((error: unknown) => { if (!signal.aborted) this.#failed("sweep", error); });
      await this.#rest(this.#deps.config.resyncIntervalMs, signal);
    }
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const { config } = this.#deps;
    while (!signal.aborted) {
      try {
        this.#compare(await this.#deps.store.demands());
      } catch (error) {
        this.#failed("poll", error);
      }
      this.#resync(Math.ceil(this.#view.threadKeys().length * Math.min(1, config.pollIntervalMs / config.resyncIntervalMs)));
      await this.#rest(config.pollIntervalMs, signal);
    }
  }

  /** Whatever no signal told of. */
  #compare(demands: ReadonlyMap<string, Demand>): void {
    for (const [uid, demand] of demands) {
      const key = this.#view.keyOfUid(uid);
      if (key !== undefined && this.#memories.of(key, uid).seen !== messagesSeen(demand)) this.#signalled(uid);
    }
  }

  /** A few threads in turn, as if nothing were known of them. */
  #resync(count: number): void {
    const keys = this.#view.threadKeys();
    for (let index = 0; index < Math.min(count, keys.length); index += 1) {
      const key = keys[(this.#resyncAt + index) % keys.length];
      if (key === undefined) continue;
      this.#memories.doubt(key);
      this.#threads.add(key);
    }
    this.#resyncAt = keys.length === 0 ? 0 : (this.#resyncAt + count) % keys.length;
  }
}
