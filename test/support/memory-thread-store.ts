import type { ReconcileStore } from "../../controller/reconcile/ports.ts";
import type { Demand, StartAttempts, ThreadRow } from "../../controller/threads/thread-store.ts";

interface Kept {
  row: ThreadRow;
  /** When each message that is not acknowledged was accepted. */
  unread: number[];
  accepted: number;
  acknowledged: number;
  lastActivityMs: number | null;
}

/** What the reconciler asks of a store, kept in memory, with the messages as mere times; for tests that make thousands of histories. */
export class MemoryThreadStore implements ReconcileStore {
  readonly #threads = new Map<string, Kept>();
  readonly #starts = new Map<string, StartAttempts>();
  readonly #listeners = new Set<(uid: string) => void>();

  post(uid: string, nowMs: number): void {
    const kept = this.#of(uid);
    kept.unread.push(nowMs);
    kept.accepted += 1;
    kept.lastActivityMs = nowMs;
    this.signal(uid);
  }

  /** The oldest ones, as an agent does. */
  acknowledge(uid: string, count: number, nowMs: number): void {
    const kept = this.#of(uid);
    kept.acknowledged += kept.unread.splice(0, count).length;
    kept.lastActivityMs = nowMs;
    this.signal(uid);
  }

  touch(uid: string, nowMs: number): void {
    this.#of(uid).lastActivityMs = nowMs;
  }

  signal(uid: string): void {
    for (const listener of [...this.#listeners]) listener(uid);
  }

  has(uid: string): boolean {
    return this.#threads.has(uid);
  }

  async ensureThread(thread: Omit<ThreadRow, "createdAtMs" | "archivedAtMs">, nowMs: number): Promise<ThreadRow> {
    const kept = this.#of(thread.uid);
    if (kept.row.name === "") kept.row = { ...thread, createdAtMs: nowMs, archivedAtMs: null };
    return kept.row;
  }

  async forgetThread(uid: string): Promise<void> {
    this.#threads.delete(uid);
    this.#starts.delete(uid);
  }

  async threadsOtherThan(uids: readonly string[], query: { readonly createdBeforeMs: number; readonly limit: number }): Promise<readonly ThreadRow[]> {
    return [...this.#threads.values()].map(({ row }) => row).filter(({ uid, createdAtMs }) => !uids.includes(uid) && createdAtMs < query.createdBeforeMs).slice(0, query.limit);
  }

  async demand(threadUid: string): Promise<Demand> {
    const kept = this.#threads.get(threadUid);
    const unread = kept?.unread ?? [];
    return { threadUid, unread: unread.length, oldestUnreadMs: unread[0] ?? null, newestUnreadMs: unread.at(-1) ?? null, lastActivityMs: kept?.lastActivityMs ?? null };
  }

  async demands(): Promise<ReadonlyMap<string, Demand>> {
    return new Map(await Promise.all([...this.#threads.keys()].map(async (uid) => [uid, await this.demand(uid)] as const)));
  }

  async noteActivity(activity: ReadonlyMap<string, number>): Promise<void> {
    for (const [uid, atMs] of activity) {
      const kept = this.#threads.get(uid);
      if (kept !== undefined) kept.lastActivityMs = Math.max(kept.lastActivityMs ?? 0, atMs);
    }
  }

  async startAttempts(uid: string): Promise<StartAttempts | null> {
    return this.#starts.get(uid) ?? null;
  }

  async noteFailedStart(uid: string, { reason, fingerprint }: { readonly reason: string; readonly fingerprint: string }, nowMs: number): Promise<StartAttempts> {
    const before = this.#starts.get(uid);
    const attempts = { failures: before?.fingerprint === fingerprint ? before.failures + 1 : 1, lastFailureMs: nowMs, reason, fingerprint };
    this.#starts.set(uid, attempts);
    return attempts;
  }

  async clearStarts(uid: string): Promise<void> {
    this.#starts.delete(uid);
  }

  onSignal(listener: (uid: string) => void): () => void {
    this.#listeners.add(listener);
    return () => { this.#listeners.delete(listener); };
  }

  #of(uid: string): Kept {
    const kept = this.#threads.get(uid) ?? {
      row: { uid, namespace: "", name: "", agent: "", owner: "", parentUid: null, createdAtMs: 0, archivedAtMs: null }, unread: [], accepted: 0, acknowledged: 0, lastActivityMs: null,
    };
    this.#threads.set(uid, kept);
    return kept;
  }
}
