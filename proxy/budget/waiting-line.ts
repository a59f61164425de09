import { LedgerUnavailable, type Shortage } from "../../common/ledger/ledger-store.ts";
import { EgressError } from "../errors.ts";
import { describeExhaustion } from "./exhaustion.ts";
import type { LedgerContext } from "./ledger-context.ts";
import { isMet, type Need } from "./needs.ts";
import type { Purse } from "./purse.ts";
import type { StoreDesk, Wish } from "./store-desk.ts";

/** While the store comes back, it is asked so often. */
const RETRY_MS = 50;

/** The purses that a request passes without a slice, because the ledger is lost and their budgets let it. */
export type Unbacked = ReadonlySet<Purse>;
const NONE: Unbacked = new Set();

interface Waiter {
  readonly number: number;
  readonly needs: readonly Need[];
  readonly take: (unbacked: Unbacked) => void;
  readonly outcome: PromiseWithResolvers<void>;
  askAgainAtMs: number;
  /** The last answer was none. */
  isUnanswered: boolean;
}

/**
 * Requests that found too little in the slices, first come, first served. There is one call at a time for each count: what it brings is for all who
 * wait, and its exact no is for all who waited when it was asked.
 */
export class WaitingLine {
  readonly #desk: StoreDesk;
  readonly #context: LedgerContext;
  #waiters: Waiter[] = [];
  #numbers = 0;
  #isPoked = false;
  #isClosed = false;

  constructor(desk: StoreDesk, context: LedgerContext) {
    this.#desk = desk;
    this.#context = context;
  }

  /** True if nothing has to be waited for: there is room for all, and nobody came before. */
  isClear(needs: readonly Need[]): boolean {
    const nowMs = this.#context.clock.nowMs();
    return needs.every((need) => isMet(need, nowMs) && (need.floor === 0n || need.purse.waiting === 0));
  }

  /**
   * Resolves when `take` was called, at a moment when there was room for all.
   * @throws EgressError `budget.exhausted`, `budget.unavailable`, or why the signal aborted
   */
  async admit(needs: readonly Need[], take: Waiter["take"], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#isClosed) throw unavailable("the ledger is closed");
    const waiter: Waiter = {
      number: this.#numbers += 1, needs: needs.filter(({ floor }) => floor > 0n), take, outcome: Promise.withResolvers<void>(), askAgainAtMs: 0, isUnanswered: false,
    };
    const onAbort = (): void => { this.#leave(waiter).outcome.reject(signal.reason as Error); };
    const timer = setTimeout(() => { this.#expire(waiter); }, this.#context.timing.deadlineMs);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#join(waiter);
    this.#advance();
    try {
      await waiter.outcome.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Something became free. Those who wait look again, in this turn. */
  poke(): void {
    if (this.#isPoked || this.#waiters.length === 0) return;
    this.#isPoked = true;
    queueMicrotask(() => {
      this.#isPoked = false;
      this.#advance();
    });
  }

  /** Asks for more of one count before somebody has to wait for it. Never rejects. */
  async refill(need: Need): Promise<void> {
    const { purse } = need;
    if (purse.isAsked || purse.isEnding || this.#isClosed) return;
    await this.#ask([need]).catch(() => undefined);
    this.#advance();
  }

  close(): void {
    this.#isClosed = true;
    for (const waiter of [...this.#waiters]) this.#leave(waiter).outcome.reject(unavailable("the ledger is closed"));
  }

  #join(waiter: Waiter): void {
    this.#waiters.push(waiter);
    for (const { purse, floor } of waiter.needs) {
      purse.waiting += 1;
      purse.waitingFor += floor;
    }
  }

  #leave(waiter: Waiter): Waiter {
    const at = this.#waiters.indexOf(waiter);
    if (at < 0) return waiter;
    this.#waiters.splice(at, 1);
    for (const { purse, floor } of waiter.needs) {
      purse.waiting -= 1;
      purse.waitingFor -= floor;
    }
    return waiter;
  }

  /** Lets in whoever can be; nobody passes one who waits for the same count. */
  #advance(): void {
    const nowMs = this.#context.clock.nowMs();
    const taken = new Set<Purse>();
    for (const waiter of [...this.#waiters]) {
      const isFirst = !waiter.needs.some(({ purse }) => taken.has(purse));
      if (isFirst && waiter.needs.every((need) => isMet(need, nowMs))) {
        this.#leave(waiter).take(NONE);
        waiter.outcome.resolve();
        continue;
      }
      if (isFirst) this.#askFor(waiter, nowMs);
      for (const { purse } of waiter.needs) taken.add(purse);
    }
  }

  #askFor(waiter: Waiter, nowMs: number): void {
    const short = waiter.needs.filter((need) => !isMet(need, nowMs));
    if (this.#context.clock.monotonicMs() < waiter.askAgainAtMs || short.some(({ purse }) => purse.isAsked || purse.isEnding)) return;
    const newest = this.#numbers;
    this.#ask(short).then((shortages) => {
      waiter.isUnanswered = false;
      this.#refuse(waiter, shortages, newest);
    }, (error: unknown) => {
      waiter.isUnanswered = true;
      if (!(error instanceof LedgerUnavailable) || this.#desk.isLost) this.#expire(waiter);
      else this.#askAgain(waiter, RETRY_MS);
    }).finally(() => { this.#advance(); });
  }

  /** @returns what is short; empty if all was granted @throws LedgerUnavailable */
  async #ask(needs: readonly Need[]): Promise<readonly Shortage[]> {
    const { clock } = this.#context;
    const wishes = needs.map((need) => wishFor(need, clock.nowMs(), clock.monotonicMs()));
    for (const { purse } of needs) purse.isAsked = true;
    try {
      const answer = await this.#desk.acquire(wishes);
      return answer.kind === "short" ? answer.shortages : [];
    } finally {
      for (const { purse } of needs) purse.isAsked = false;
    }
  }

  #refuse(asker: Waiter, shortages: readonly Shortage[], newest: number): void {
    for (const shortage of shortages) {
      if (!shortage.isProvisional) {
        for (const waiter of this.#waiters.filter(({ number }) => number <= newest)) if (this.#isBeyond(waiter, shortage)) this.#refuseOne(waiter, shortage);
      } else if (this.#isBeyond(asker, shortage)) this.#askAgain(asker, shortage.retryAfterMs);
    }
  }

  /** Whether what is left would not do, either. */
  #isBeyond({ needs }: Waiter, { key, left }: Shortage): boolean {
    return needs.some(({ purse, floor }) => purse.key === key && floor > purse.free(this.#context.clock.nowMs()) + left);
  }

  #refuseOne(waiter: Waiter, { key }: Pick<Shortage, "key">): void {
    const need = waiter.needs.find(({ purse }) => purse.key === key);
    if (need !== undefined) this.#leave(waiter).outcome.reject(describeExhaustion(need.purse, this.#context.clock.nowMs()));
  }

  #askAgain(waiter: Waiter, afterMs: number): void {
    waiter.askAgainAtMs = this.#context.clock.monotonicMs() + afterMs;
    setTimeout(() => {
      waiter.askAgainAtMs = 0;
      this.#advance();
    }, afterMs).unref();
  }

  /** Its time is over: what was last answered is the answer. */
  #expire(waiter: Waiter): void {
    if (!this.#waiters.includes(waiter)) return;
    const short = waiter.needs.filter((need) => !isMet(need, this.#context.clock.nowMs()));
    const refused = short.find(({ purse }) => purse.shortage !== null);
    if (!waiter.isUnanswered && refused !== undefined) return this.#refuseOne(waiter, refused.purse);
    if (short.some(({ purse }) => purse.limit.whenLedgerIsLost === "deny")) {
      this.#leave(waiter).outcome.reject(unavailable("the ledger does not answer, and what was lent of it does not do"));
      return;
    }
    this.#leave(waiter).take(new Set(short.map(({ purse }) => purse)));
    waiter.outcome.resolve();
  }
}

/** Asks for what those who wait need together, and some ahead; never for more than is left where less would do. */
function wishFor({ purse, floor, comfort }: Need, nowMs: number, monotonicMs: number): Wish {
  const free = purse.free(nowMs);
  const left = purse.left(nowMs);
  const comfortable = comfort - free < left ? comfort - free : left;
  const need = most(floor - free, comfortable, 1n);
  const waitingFor = purse.waitingFor - free;
  return { purse, need, want: most(need, waitingFor, 1n) + purse.pace.ahead(need, left, monotonicMs) };
}

function most(...amounts: readonly bigint[]): bigint {
  return amounts.reduce((largest, amount) => (amount > largest ? amount : largest));
}

function unavailable(detail: string): EgressError {
  return new EgressError("budget.unavailable", detail);
}
