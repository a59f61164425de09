import type { LeaseDesk, LeaseOwner } from "./lease-desk.ts";
import { backOffMs, type Rhythm } from "../rhythm.ts";
import { SourceError, type Lease } from "../secret-source.ts";

/** Part of a lease's time after which it is renewed; a random tenth of it earlier, so that leases that began together do not stay together. */
const RENEW_AT = 2 / 3;
const JITTER = 0.1;
/** A renewal that gives less than this part of the first lifetime has come to the longest time that the store allows. */
const SHORTENED = 1 / 2;
const RETRY = { firstMs: 500, longestMs: 10_000 } as const;
const RENEW_TIMEOUT_MS = 10_000;

/** A lease in hand. */
export interface HeldLease {
  readonly lease: Lease;
  /** Monotonic: the secret may be used before this moment. */
  untilMs: number;
  /** Set by each use, cleared by each renewal: what nobody uses is not renewed. */
  isUsed: boolean;
  /** Set near the end of a lease that is renewed no longer: who has it may finish, the next request gets another. */
  isRetired: boolean;
  /** Aborted when the lease is let go of. */
  readonly stop: AbortController;
}

interface Keeping {
  readonly owner: LeaseOwner;
  readonly desk: Pick<LeaseDesk, "renewed" | "notRenewed">;
  readonly rhythm: Rhythm;
}

/**
 * Renews the lease at two thirds of its time for as long as the secret is used.
 * @returns why it has to be let go of now, or null if the signal aborted
 */
export async function keepLease(held: HeldLease, keeping: Keeping, signal: AbortSignal): Promise<string | null> {
  const { clock, random, pause } = keeping.rhythm;
  const firstMs = held.untilMs - clock.monotonicMs();
  try {
    for (let leftMs = firstMs; ; leftMs = held.untilMs - clock.monotonicMs()) {
      await pause(leftMs * RENEW_AT * (1 - JITTER * random()), signal);
      if (!held.isUsed || !held.lease.isRenewable) return await runOut(held, keeping, signal);
      held.isUsed = false;
      const problem = await renew(held, keeping, signal);
      if (problem !== null) return problem;
      if (held.untilMs - clock.monotonicMs() < firstMs * SHORTENED) return await lastPart(held, keeping, signal);
    }
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}

/** @returns why it could not be renewed; null if it was. While the fault may pass, it is tried again until the lease's time is over. */
async function renew(held: HeldLease, { owner, desk, rhythm }: Keeping, signal: AbortSignal): Promise<string | null> {
  for (let failures = 0; ; failures += 1) {
    const startedAtMs = rhythm.clock.monotonicMs();
    if (startedAtMs >= held.untilMs) return "its time is over";
    try {
      const grantedMs = await held.lease.renew(AbortSignal.any([signal, AbortSignal.timeout(RENEW_TIMEOUT_MS)]));
      held.untilMs = startedAtMs + grantedMs;
      desk.renewed(held.lease, owner, grantedMs);
      return null;
    } catch (thrown) {
      signal.throwIfAborted();
      const error = thrown instanceof SourceError ? thrown : new SourceError("down", "the lease could not be renewed");
      if (failures === 0 || !error.isPassing) desk.notRenewed(held.lease, owner, error.fault);
      if (!error.isPassing) return "the store does not renew it";
      const untilOverMs = held.untilMs - rhythm.clock.monotonicMs();
      await rhythm.pause(Math.min(untilOverMs, Math.max(error.retryAfterMs, backOffMs(failures, RETRY, rhythm.random))), signal);
    }
  }
}

/** The store gives no more time: most of what is left is used, then the next request gets a lease of its own. */
async function lastPart(held: HeldLease, keeping: Keeping, signal: AbortSignal): Promise<string> {
  const { clock, pause } = keeping.rhythm;
  await pause((held.untilMs - clock.monotonicMs()) * RENEW_AT, signal);
  held.isRetired = true;
  return await runOut(held, keeping, signal);
}

async function runOut(held: HeldLease, { rhythm }: Keeping, signal: AbortSignal): Promise<string> {
  await rhythm.pause(held.untilMs - rhythm.clock.monotonicMs(), signal);
  return "its time is over";
}
