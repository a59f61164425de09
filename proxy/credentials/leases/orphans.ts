import { appendFile, readFile } from "node:fs/promises";
import { describeError } from "../../../common/lifecycle.ts";
import type { Log } from "../../../common/log.ts";
import { findOrphanedBooks, removeBook } from "./lease-book.ts";
import type { CredentialEvent } from "./lease-desk.ts";
import { formatStrike, readBook, type BookedLease } from "./lease-lines.ts";
import { backOffMs, type Rhythm } from "../rhythm.ts";
import { SourceError, type Reclaim } from "../secret-source.ts";

/** Orphans that are taken back at a time. */
const AT_ONCE = 8;
const RETRY = { firstMs: 500, longestMs: 10_000 } as const;
const ATTEMPT_TIMEOUT_MS = 5_000;
/** What is older than a store lets anything live (768 h is the default of Vault and OpenBao, and then some) is gone by itself. */
const FORGET_AFTER_MS = 35 * 86_400_000;

export interface OrphanDeps {
  /** Folder of the books. */
  readonly directory: string;
  /** Address of the store that is configured now. */
  readonly store: string;
  /** Resolves when the store has taken it back, or does not know it. @throws SourceError */
  readonly reclaim: (orphan: Reclaim, signal: AbortSignal) => Promise<void>;
  readonly rhythm: Rhythm;
  readonly log: Log;
  readonly onEvent: (event: CredentialEvent) => void;
}

/**
 * Takes back what processes that are gone had leased in this state directory: each is tried until the store confirms it, and stays in its book
 * until then. Resolves when nothing is left, or the signal aborts.
 */
export async function reclaimOrphans(deps: OrphanDeps, signal: AbortSignal): Promise<void> {
  await Promise.all(findOrphanedBooks(deps.directory).map(async ({ path, unlock }) => {
    try {
      await emptyBook(path, deps, signal);
    } finally {
      unlock();
    }
  }));
}

async function emptyBook(path: string, deps: OrphanDeps, signal: AbortSignal): Promise<void> {
  const now = deps.rhythm.clock.nowMs();
  const entries = readBook(await readFile(path, "utf8")).filter(({ atMs }) => now - atMs < FORGET_AFTER_MS);
  const ours = entries.filter(({ store }) => store === deps.store);
  // Tokens first: what was leased with them goes with them.
  const waiting = ours.toSorted((one, other) => Number(other.kind === "vault-accessor") - Number(one.kind === "vault-accessor"));
  if (ours.length < entries.length) deps.log.warn("credential.orphans-of-another-store", { orphans: entries.length - ours.length });
  let left = entries.length;
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (!await takeBack(next, deps, signal)) return;
      left -= 1;
      await appendFile(path, formatStrike(next), { flush: true }).catch((error: unknown) => { deps.log.warn("credential.book-not-written", { error: describeError(error) }); });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (left === 0) removeBook(path);
}

/** @returns false if the signal aborted first */
async function takeBack(orphan: BookedLease, { reclaim, rhythm, onEvent }: OrphanDeps, signal: AbortSignal): Promise<boolean> {
  const fields = { lease: orphan.id, why: "its process is gone", ...(orphan.grant === "" ? {} : { grant: orphan.grant }), ...(orphan.instance === "" ? {} : { instance: orphan.instance }) };
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      await reclaim(orphan, AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_TIMEOUT_MS)]));
      onEvent({ event: "credential.revoked", outcome: "succeeded", fields });
      return true;
    } catch (error) {
      if (failures === 0) onEvent({ event: "credential.revoked", outcome: "failed", fields: { ...fields, fault: error instanceof SourceError ? error.fault : "down" } });
      await rhythm.pause(backOffMs(failures, RETRY, rhythm.random), signal).catch(() => undefined);
    }
  }
  return false;
}
