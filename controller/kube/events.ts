import { createHash, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock, type Clock } from "../../common/clock.ts";
import { KubeError, type KubeApi, type KubeObject, type ObjectRef } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { GROUP } from "../../common/labels.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import type { EventsConfig } from "./config.ts";
import { WriteBudget } from "./write-budget.ts";

/** Kinds of events (reason, object) that are kept in mind; the oldest are forgotten first. */
const SERIES_LIMIT = 4_096;
/** Pause between two rounds of writes, in milliseconds: what happens together is written together. */
const ROUND_MS = 500;
/** Limits of events.k8s.io/v1, in characters and bytes. */
const WORD_LIMIT = 128;
const NOTE_LIMIT_BYTES = 1_024;

export interface EventNote {
  /** The object that it is about; with kind and apiVersion, as read from the API. */
  readonly regarding: KubeObject;
  readonly type: "Normal" | "Warning";
  /** Why, in CamelCase, such as `InstanceStarted`. */
  readonly reason: string;
  /** What was done about it, in CamelCase, such as `Starting`. */
  readonly action: string;
  /** For people; cut at a kilobyte. Never a secret. */
  readonly note: string;
}

/** Tells people with kubectl what happened. Nothing depends on it: it never throws, and what is too much is dropped. */
export interface EventRecorder {
  record(note: EventNote): void;
  /** Writes what was recorded, until the signal aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

export interface EventSource {
  readonly api: KubeApi;
  readonly config: EventsConfig;
  /** Which of several controllers; at most 128 characters. */
  readonly instance: string;
  readonly log: Log;
  readonly clock?: Clock;
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Same reason, same object, within one window: one Event. */
interface Series {
  readonly event: KubeObject;
  readonly begunMs: number;
  count: number;
  lastMs: number;
  /** As the API server has it. */
  written: { readonly object: KubeObject; readonly count: number } | undefined;
}

export function openEvents(source: EventSource): EventRecorder {
  return new SeriesRecorder(source);
}

class SeriesRecorder implements EventRecorder {
  readonly #source: EventSource;
  readonly #clock: Clock;
  readonly #budget: WriteBudget;
  readonly #series = new Map<string, Series>();
  #news = Promise.withResolvers<void>();

  constructor(source: EventSource) {
    this.#source = source;
    this.#clock = source.clock ?? systemClock;
    this.#budget = new WriteBudget(source.config.perSecond, source.config.burst, this.#clock);
  }

  record(note: EventNote): void {
    const { kind = "", metadata } = note.regarding;
    const key = JSON.stringify([kind, metadata.namespace, metadata.name, metadata.uid, note.type, note.reason]);
    const known = this.#series.get(key);
    const nowMs = this.#clock.monotonicMs();
    if (known !== undefined && nowMs - known.begunMs < this.#source.config.windowMs) {
      known.count += 1;
      known.lastMs = this.#clock.nowMs();
      return;
    }
    this.#series.delete(key);
    this.#series.set(key, { event: this.#eventOf(note), begunMs: nowMs, count: 1, lastMs: this.#clock.nowMs(), written: undefined });
    this.#forgetOldest();
    this.#news.resolve();
  }

  async run(signal: AbortSignal): Promise<void> {
    const pause = this.#source.pause ?? (async (ms: number, stop: AbortSignal) => { await sleep(ms, undefined, { signal: stop }); });
    const rest = async (ms: number, stop: AbortSignal) => pause(ms, stop).catch(() => undefined);
    while (!signal.aborted) {
      this.#news = Promise.withResolvers();
      const isAllWritten = await this.#write(signal);
      if (isAllWritten) {
        const rested = new AbortController();
        await Promise.race([this.#news.promise, rest(this.#source.config.countsPauseMs, AbortSignal.any([signal, rested.signal]))]);
        rested.abort();
      }
      await rest(ROUND_MS, signal);
    }
  }

  /** New ones first; counts of old ones only as far as the budget goes. @returns false if it did not go far enough */
  async #write(signal: AbortSignal): Promise<boolean> {
    const due = [...this.#series.values()].filter(({ count, written }) => count !== written?.count);
    for (const series of [...due.filter(({ written }) => written === undefined), ...due.filter(({ written }) => written !== undefined)]) {
      if (signal.aborted || !this.#budget.take()) return false;
      await this.#writeOne(series, signal);
    }
    return true;
  }

  async #writeOne(series: Series, signal: AbortSignal): Promise<void> {
    const { api, log } = this.#source;
    const { count } = series;
    const repeated = count > 1 ? { series: { count, lastObservedTime: microTime(series.lastMs) } } : {};
    try {
      const object = series.written === undefined
        ? await api.create(TYPES.events, { ...series.event, ...repeated }, signal)
        : await api.replace(TYPES.events, { ...series.written.object, ...repeated }, {}, signal);
      series.written = { object, count };
    } catch (error) {
      if (signal.aborted) return;
      log.debug("events.write-failed", { event: series.event.metadata.name, error: describeError(error) });
      // Refused for good (its namespace is gone, a rule forbids it) or written by another hand: not tried again until its next occurrence.
      if (error instanceof KubeError && error.status >= 400 && error.status < 500) series.written = { object: series.written?.object ?? series.event, count };
    }
  }

  #eventOf({ regarding, type, reason, action, note }: EventNote): KubeObject {
    const { name, namespace, uid, resourceVersion } = regarding.metadata;
    const home = namespace ?? "default";
    return {
      metadata: { name: eventName(regarding.metadata), namespace: home },
      eventTime: microTime(this.#clock.nowMs()), type,
      reason: reason.slice(0, WORD_LIMIT), action: action.slice(0, WORD_LIMIT), note: cut(note, NOTE_LIMIT_BYTES),
      reportingController: `${GROUP}/controller`, reportingInstance: this.#source.instance.slice(0, WORD_LIMIT),
      regarding: { apiVersion: regarding.apiVersion, kind: regarding.kind, name, namespace, uid, resourceVersion },
    };
  }

  #forgetOldest(): void {
    for (const [key, { written }] of this.#series) {
      if (this.#series.size <= SERIES_LIMIT) return;
      this.#series.delete(key);
      if (written === undefined) this.#source.log.debug("events.dropped", { key });
    }
  }
}

/** Unique, and begins with the object's name so that it sorts beside it. */
function eventName({ name }: ObjectRef): string {
  const safe = name.length > 200 ? createHash("sha256").update(name).digest("hex").slice(0, 32) : name;
  return `${safe}.${randomBytes(8).toString("hex")}`;
}

function cut(text: string, limitBytes: number): string {
  const bytes = Buffer.from(text);
  // A character that the cut goes through is left out, not replaced.
  return bytes.byteLength <= limitBytes ? text : new TextDecoder().decode(bytes.subarray(0, limitBytes), { stream: true });
}

function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace("Z", "000Z");
}
