/**
 * in: the governed pods of a node · out: each with its rules, for as long as it lives · ends early with: nothing (tries again) · next: write-rules.ts
 *
 * One loop for each pod: find its namespace, write, then look from time to time. A pod without rules does not start its agent, so that every
 * failure here only costs time.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock, type Clock } from "../../common/clock.ts";
import { RetryPace } from "../../common/kube/retry-pace.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import type { NamespaceFinder, Place } from "./find-namespace.ts";
import type { CapturedPod } from "./read-pod.ts";
import { Turns } from "./turns.ts";
import type { RuleWriter } from "./write-rules.ts";

export interface KeeperParts {
  readonly finder: Pick<NamespaceFinder, "find" | "isThere">;
  readonly writer: Pick<RuleWriter, "write" | "drift">;
  readonly log: Log;
  readonly metrics: KeeperMetrics;
  readonly verifyIntervalMs: number;
  readonly lookIntervalMs: number;
  readonly concurrency: number;
  readonly clock?: Clock;
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface KeeperMetrics {
  /** How many pods have their rules, and how many wait for them. */
  pods(captured: number, waiting: number): void;
  written(reason: Reason): void;
  failed(): void;
}

/** Why rules were written: for the first time, because they had changed, or because the pod has another namespace. */
export type Reason = "first" | "drift" | "moved";

interface Kept {
  readonly pod: CapturedPod;
  readonly stop: AbortController;
  isCaptured: boolean;
}

interface Written {
  readonly place: Place;
  readonly fingerprint: string;
}

/** Owner of the rules of all pods of a node. */
export class RuleKeeper {
  readonly #parts: KeeperParts;
  readonly #clock: Clock;
  readonly #pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly #turns: Turns;
  readonly #kept = new Map<string, Kept>();

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? systemClock;
    this.#pause = parts.pause ?? (async (ms, signal) => { await sleep(ms, undefined, { signal }); });
    this.#turns = new Turns(parts.concurrency);
  }

  /** The pod as it is now. Nothing happens if nothing that its rules depend on is different. */
  keep(pod: CapturedPod): void {
    const before = this.#kept.get(pod.uid);
    if (before !== undefined && JSON.stringify(before.pod) === JSON.stringify(pod)) return;
    before?.stop.abort();
    const kept: Kept = { pod, stop: new AbortController(), isCaptured: false };
    this.#kept.set(pod.uid, kept);
    this.#tell();
    void this.#run(kept).catch((error: unknown) => { if (!kept.stop.signal.aborted) this.#parts.log.error("rules.abandoned", { ...named(pod), error: describeError(error) }); });
  }

  /** The pod is over, or no pod of ours. */
  drop(uid: string): void {
    this.#kept.get(uid)?.stop.abort();
    if (this.#kept.delete(uid)) this.#tell();
  }

  close(): void {
    for (const uid of this.#kept.keys()) this.drop(uid);
  }

  async #run(kept: Kept): Promise<void> {
    const { signal } = kept.stop;
    const pace = new RetryPace();
    let written: Written | null = null;
    let holdsSinceMs: number | null = null;
    while (!signal.aborted) {
      try {
        written = await this.#turns.take(async () => this.#hold(kept, written, signal), signal);
        holdsSinceMs ??= this.#clock.monotonicMs();
        this.#settle(kept, true);
        await this.#untilDue(written.place, signal);
      } catch (error) {
        if (signal.aborted) return;
        const pauseMs = pace.next(holdsSinceMs === null ? 0 : this.#clock.monotonicMs() - holdsSinceMs);
        [written, holdsSinceMs] = [null, null];
        this.#settle(kept, false);
        this.#parts.metrics.failed();
        this.#parts.log.warn("rules.missing", { ...named(kept.pod), error: describeError(error), pauseMs: Math.round(pauseMs) });
        await this.#pause(pauseMs, signal);
      }
    }
  }

  /** Sees to it that the rules are there. @throws Error if they could not be written, or do not hold */
  async #hold({ pod }: Kept, before: Written | null, signal: AbortSignal): Promise<Written> {
    const { finder, writer, log, metrics } = this.#parts;
    const isThere = before !== null && await finder.isThere(before.place);
    const drift = isThere ? await writer.drift(pod, before.place, before.fingerprint, signal) : [];
    if (isThere && drift.length === 0) return before;
    const reason = before === null ? "first" : isThere ? "drift" : "moved";
    if (reason === "drift") log.error("rules.changed", { ...named(pod), differences: drift });
    const place = await finder.find(pod.addresses, signal);
    const fingerprint = await writer.write(pod, place, signal);
    metrics.written(reason);
    log.info("rules.written", { ...named(pod), reason, fingerprint });
    return { place, fingerprint };
  }

  /** Until the rules are to be read again, or their namespace is gone: a pod whose sandbox was made anew has no rules. */
  async #untilDue(place: Place, signal: AbortSignal): Promise<void> {
    const dueMs = this.#clock.monotonicMs() + this.#parts.verifyIntervalMs;
    do await this.#pause(this.#parts.lookIntervalMs, signal);
    while (this.#clock.monotonicMs() < dueMs && await this.#parts.finder.isThere(place));
  }

  #settle(kept: Kept, isCaptured: boolean): void {
    kept.isCaptured = isCaptured;
    this.#tell();
  }

  #tell(): void {
    const all = [...this.#kept.values()];
    const captured = all.filter(({ isCaptured }) => isCaptured).length;
    this.#parts.metrics.pods(captured, all.length - captured);
  }
}

function named({ namespace, name, uid }: CapturedPod): Record<string, string> {
  return { namespace, pod: name, uid };
}
