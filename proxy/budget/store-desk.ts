import { ClaimRefused, LedgerUnavailable, type Acquired, type Crossing, type HeldSlice, type LedgerStore, type Reported, type SliceReport } from "../../common/ledger/ledger-store.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Journal } from "./journal/journal.ts";
import type { BudgetEvent, LedgerContext } from "./ledger-context.ts";
import { tellOverspentOf } from "./overspent.ts";
import type { Purse } from "./purse.ts";

/** What is asked of one count. Both amounts beyond what is free here. */
export interface Wish {
  readonly purse: Purse;
  readonly need: bigint;
  readonly want: bigint;
}

interface DeskContext extends LedgerContext {
  readonly journal: Journal;
}

/**
 * The one place that talks to the store: every call has a deadline, what it answers is put into the purses, and that it does not answer is told
 * once. A late answer still counts: its numbers are cumulative.
 */
export class StoreDesk {
  readonly #store: LedgerStore;
  readonly #holder: string;
  readonly #context: DeskContext;
  readonly #find: (key: string) => Purse | undefined;
  #lostSinceMs: number | null = null;
  /** Wall-clock milliseconds of the store's last answer; null before the first. */
  answeredAtMs: number | null = null;
  /** Something may have been granted that nobody here knows of. */
  isUncertain = false;

  constructor(store: LedgerStore, holder: string, context: DeskContext, find: (key: string) => Purse | undefined) {
    this.#store = store;
    this.#holder = holder;
    this.#context = context;
    this.#find = find;
  }

  /** True if the store has not answered for longer than a request may wait. */
  get isLost(): boolean {
    return this.#lostSinceMs !== null && this.#context.clock.monotonicMs() - this.#lostSinceMs >= this.#context.timing.deadlineMs;
  }

  /** Asks for more; what is granted is in the purses when it resolves. @throws LedgerUnavailable; ClaimRefused */
  async acquire(wishes: readonly Wish[]): Promise<Acquired> {
    const claims = wishes.map(({ purse, need, want }) => {
      const slice = purse.newest;
      return { account: purse.spec, windowStartMs: slice?.windowStartMs ?? null, known: slice?.granted ?? 0n, need, want };
    });
    this.#begin();
    const answering = this.#store.acquire(this.#holder, claims).then((answer) => {
      this.#take(answer);
      return answer;
    });
    try {
      return await this.#answered(answering);
    } catch (error) {
      this.isUncertain ||= !(error instanceof ClaimRefused);
      throw error;
    }
  }

  /** @throws LedgerUnavailable */
  async report(reports: readonly SliceReport[]): Promise<Reported> {
    const answer = await this.#answered(this.#store.report(this.#holder, reports));
    tellOverspentOf(answer, this.#context);
    this.tell(answer.crossings);
    return answer;
  }

  /** @throws LedgerUnavailable */
  async held(): Promise<readonly HeldSlice[]> {
    return this.#answered(this.#store.slicesOf(this.#holder));
  }

  tell(crossings: readonly Crossing[]): void {
    for (const { key, budget, percent, action, settled, limit } of crossings) {
      const fields = { budget, key, percent, action, settled: settled.toString(), limit: limit.toString() };
      this.#context.log.warn("budget.threshold", fields);
      this.#event({ event: "budget.threshold", outcome: "succeeded", fields });
    }
  }

  #begin(): void {
    try {
      this.#context.journal.begin();
    } catch (cause) {
      this.#failed(cause);
      throw new LedgerUnavailable("the journal cannot be written", { cause });
    }
  }

  #take(answer: Acquired): void {
    const nowMs = this.#context.clock.nowMs();
    if (answer.kind === "granted") for (const grant of answer.grants) this.#find(grant.key)?.receive(grant, nowMs);
    else for (const shortage of answer.shortages) this.#find(shortage.key)?.refuse(shortage, this.#context.clock.monotonicMs());
    this.tell(answer.crossings);
  }

  async #answered<T>(answering: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    const { deadlineMs } = this.#context.timing;
    const timer = setTimeout(() => { late.reject(new LedgerUnavailable(`no answer in ${deadlineMs} ms`)); }, deadlineMs);
    try {
      const answer = await Promise.race([answering, late.promise]);
      this.#answers();
      return answer;
    } catch (cause) {
      if (cause instanceof ClaimRefused) this.#answers();
      else this.#failed(cause);
      throw cause instanceof ClaimRefused || cause instanceof LedgerUnavailable ? cause : new LedgerUnavailable("the ledger failed", { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  #answers(): void {
    this.answeredAtMs = this.#context.clock.nowMs();
    if (this.#lostSinceMs === null) return;
    const lostMs = Math.round(this.#context.clock.monotonicMs() - this.#lostSinceMs);
    this.#lostSinceMs = null;
    this.#context.log.info("ledger.back", { lostMs });
    this.#event({ event: "ledger.back", outcome: "succeeded", fields: { lost_ms: lostMs } });
  }

  #failed(cause: unknown): void {
    if (this.#lostSinceMs !== null) return;
    this.#lostSinceMs = this.#context.clock.monotonicMs();
    this.#context.log.error("ledger.lost", { error: describeError(cause) });
    this.#event({ event: "ledger.lost", outcome: "failed", fields: {} });
  }

  #event(event: BudgetEvent): void {
    this.#context.onEvent(event);
  }
}
