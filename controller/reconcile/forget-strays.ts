import { TYPES } from "../../common/kube/resource-types.ts";
import type { ReconcilerDeps } from "./ports.ts";

/** Rows that are asked for at a time. */
const PAGE_ROWS = 100;
/** A row is made right after its Thread, whose event may still be on its way to the cache, in milliseconds. */
const SETTLED_MS = 60_000;

/**
 * Forgets rows of Threads that are gone without a farewell: deleted before they had our finalizer, or entered once more by somebody whose cache was
 * behind. The API server itself is asked for each, because a cache that does not have it yet would say the same; a UID that is gone never comes back.
 * @param known UIDs of the threads in the cache
 */
export async function forgetStrays(known: readonly string[], deps: Pick<ReconcilerDeps, "kube" | "store" | "log" | "clock">, signal: AbortSignal): Promise<void> {
  const { kube, store, log, clock } = deps;
  for (const { uid, namespace, name } of await store.threadsOtherThan(known, { createdBeforeMs: clock.nowMs() - SETTLED_MS, limit: PAGE_ROWS })) {
    signal.throwIfAborted();
    const thread = await kube.get(TYPES.threads, { namespace, name }, signal);
    if (thread?.metadata.uid === uid) continue;
    await store.forgetThread(uid);
    log.info("reconcile.stray-forgotten", { thread: `${namespace}/${name}`, uid });
  }
}
