import { watch } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Time for a writer to finish after the first sign of a change; whoever is slower is noticed again by the next sign. */
const SETTLE_MS = 50;

/** A folder whose changes count; those below it only if it is the policy's own: walking a home folder would hold up every request. */
export interface Watched {
  readonly folder: string;
  readonly isDeep: boolean;
}

/**
 * Resolves when something in the folder changed and had time to settle, when the interval is over, or when the signal aborts. The system's notices make it
 * quick, the interval makes it sure.
 * @param intervalMs in milliseconds
 */
export async function changedOrElapsed({ folder, isDeep }: Watched, intervalMs: number, signal: AbortSignal): Promise<void> {
  const turn = new AbortController();
  const ended = AbortSignal.any([signal, turn.signal]);
  const changed = Promise.withResolvers<void>();
  try {
    const watcher = watch(folder, { recursive: isDeep, signal: ended }, () => { changed.resolve(); });
    watcher.on("error", () => undefined);
  } catch {
    // A folder that is gone for the moment cannot be watched; the interval finds it again.
  }
  const elapsed = sleep(intervalMs, undefined, { signal: ended });
  try {
    const wasChanged = await Promise.race([changed.promise.then(() => true), elapsed.then(() => false)]);
    if (wasChanged) await sleep(SETTLE_MS, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    turn.abort();
    await elapsed.catch(() => undefined);
  }
}
