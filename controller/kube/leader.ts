import { setTimeout as sleep } from "node:timers/promises";
import { systemClock, type Clock } from "../../common/clock.ts";
import type { KubeApi } from "../../common/kube/kube-api.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import { Candidate } from "./candidate.ts";
import type { KubeConfig } from "./config.ts";
import { NotLeadingError, type RenewedTerm, type Term } from "./term.ts";

/** Longest wait for the last write to the Lease when the program stops, in milliseconds; without it others wait for the Lease's end. */
const RELEASE_LIMIT_MS = 3_000;

export interface Candidacy {
  /** Not fenced, and with `config.writeTimeoutMs` as its deadline for writes. */
  readonly api: KubeApi;
  readonly config: Pick<KubeConfig, "leader" | "writeTimeoutMs">;
  /** Unique to this process, such as the pod's name and a random part. */
  readonly identity: string;
  /** The installation's. */
  readonly namespace: string;
  readonly log: Log;
  readonly clock?: Clock;
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** What only the leader does. @param signal aborts when the program stops or the term is over; it should then end soon, which is waited for */
export type Work = (term: Term, signal: AbortSignal) => Promise<void>;

/**
 * Does the work whenever this process leads, until the signal aborts; then the Lease is released, after the work has ended. Trouble with the
 * API server is logged and tried again. At every instant at most one process of a cluster has a term whose `check` does not throw.
 * @throws whatever the work throws while it leads (the Lease is released before); also ends when the work does
 */
export async function lead(candidacy: Candidacy, work: Work, signal: AbortSignal): Promise<void> {
  const { api, config: { leader, writeTimeoutMs }, identity, namespace, log, clock = systemClock } = candidacy;
  const candidate = new Candidate(api, {
    identity, lease: { namespace, name: leader.leaseName }, leaseDurationMs: leader.leaseDurationMs,
    // A write that begins in time reaches the API server within its time-out, which gives it up within as much again: before anyone else may lead.
    limits: { writesMs: leader.leaseDurationMs - 2 * writeTimeoutMs, workMs: leader.renewDeadlineMs, doubtMs: 2 * writeTimeoutMs },
  }, clock);
  const pause = candidacy.pause ?? (async (ms, stop) => { await sleep(ms, undefined, { signal: stop }); });
  const rest = async (stop: AbortSignal) => { await pause(leader.retryPeriodMs * (1 + Math.random() / 5), stop).catch(() => undefined); };
  const seat: Seat = { candidate, log, identity, rest };
  while (!signal.aborted) {
    const term = await contend(seat, signal);
    if (term === null) return;
    if (await serve(seat, term, work, signal) === "done") return;
    // The Lease may still be in our name, and would be ours again at once: no write of this term may come after one of the next.
    if (term.doubtLeftMs() > 0) await pause(term.doubtLeftMs(), signal).catch(() => undefined);
  }
}

interface Seat {
  readonly candidate: Candidate;
  readonly log: Log;
  readonly identity: string;
  rest(stop: AbortSignal): Promise<void>;
}

/** @returns null if the signal aborted first */
async function contend({ candidate, log, identity, rest }: Seat, signal: AbortSignal): Promise<RenewedTerm | null> {
  while (!signal.aborted) {
    const term = await candidate.tryToWin(signal).catch((error: unknown) => {
      if (!signal.aborted) log.warn("leader.election-failed", { error: describeError(error) });
      return null;
    });
    if (term !== null) {
      log.info("leader.elected", { identity, epoch: term.epoch });
      return term;
    }
    await rest(signal);
  }
  return null;
}

/**
 * Works and renews side by side; the Lease is renewed until the work has ended, also while the program stops.
 * @returns "done" if the work came to an end by itself
 */
async function serve(seat: Seat, term: RenewedTerm, work: Work, signal: AbortSignal): Promise<"done" | "over"> {
  const worked = new AbortController();
  const renewing = keepRenewing(seat, term, worked.signal);
  try {
    await work(term, AbortSignal.any([signal, term.signal]));
    return signal.aborted || !term.signal.aborted ? "done" : "over";
  } catch (error) {
    if (!term.signal.aborted) throw error;
    if (!isOwnEnd(error, term.signal)) seat.log.error("leader.work-failed", { epoch: term.epoch, error: describeError(error) });
    return "over";
  } finally {
    const isHeld = !term.signal.aborted;
    const isSettled = await term.finish("the work has ended");
    worked.abort();
    await renewing;
    if (isHeld) await letGo(seat, term, isSettled);
  }
}

async function keepRenewing({ candidate, log, rest }: Seat, term: RenewedTerm, stop: AbortSignal): Promise<void> {
  for (await rest(stop); !stop.aborted; await rest(stop)) {
    const bounded = AbortSignal.any([stop, AbortSignal.timeout(Math.max(0, Math.floor(term.leftMs())))]);
    const renewal = await candidate.renew(term, bounded).catch((error: unknown) => {
      if (!stop.aborted) log.warn("leader.renewal-failed", { epoch: term.epoch, error: describeError(error) });
      return null;
    });
    if (renewal?.kind === "lost") return end(log, term, renewal.reason);
    if (term.leftMs() <= 0) return end(log, term, "it could not be renewed in time");
  }
}

function end(log: Log, term: RenewedTerm, reason: string): void {
  log.error("leader.lost", { epoch: term.epoch, reason });
  term.end(reason);
}

/** If a write may still happen, nobody may lead before the Lease has run out: it is left as it is. */
async function letGo({ candidate, log }: Seat, term: RenewedTerm, isSettled: boolean): Promise<void> {
  if (!isSettled) return log.warn("leader.release-withheld", { epoch: term.epoch });
  await candidate.release(term, AbortSignal.timeout(RELEASE_LIMIT_MS)).then(
    () => { log.info("leader.released", { epoch: term.epoch }); },
    (error: unknown) => { log.warn("leader.release-failed", { epoch: term.epoch, error: describeError(error) }); },
  );
}

function isOwnEnd(error: unknown, over: AbortSignal): boolean {
  return error instanceof NotLeadingError || error === over.reason || (error instanceof Error && error.name === "AbortError");
}
