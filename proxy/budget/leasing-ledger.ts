import { LedgerUnavailable, type LedgerStore, type Standing } from "../../common/ledger/ledger-store.ts";
import type { Amounts, MeterName } from "../../common/meters.ts";
import { usdNumber } from "../../common/money.ts";
import { EgressError } from "../errors.ts";
import type { AgentIdentity } from "../model/agent.ts";
import type { LedgerHealth, PolicyBudget } from "../model/standing.ts";
import { within } from "./bounded.ts";
import type { BudgetLedger, Charge, Reservation } from "./budget-ledger.ts";
import type { BudgetConfig } from "./config.ts";
import { payDebt } from "./debts.ts";
import type { Journal } from "./journal/journal.ts";
import type { LedgerContext } from "./ledger-context.ts";
import { LimitBook } from "./limit-book.ts";
import { Looks } from "./looks.ts";
import type { Purse } from "./purse.ts";
import { PurseBook } from "./purse-book.ts";
import { Reporter } from "./reporter.ts";
import { SliceReservation, type Till } from "./reservation.ts";
import { StoreDesk } from "./store-desk.ts";
import { WaitingLine } from "./waiting-line.ts";

export interface LeasingOptions extends LedgerContext {
  /** Who we are to the store: another for each start of a proxy. */
  readonly holder: string;
  readonly store: LedgerStore;
  readonly journal: Journal;
  /** Opens the store, which may take longer than a request waits for an answer; asked once, with the first charge. */
  readonly warmUp?: () => Promise<void>;
}

const WARM_UP_MS = 20_000;
const CLOSE_MS = 5_000;

/**
 * Counts for all proxies together, and seldom asks: what it spends is in slices that it holds. A step never waits in the middle, so that no two
 * requests see the same room; what a slice does not cover waits in line for the store, which alone says no.
 */
export class LeasingLedger implements BudgetLedger {
  readonly #options: LeasingOptions;
  readonly #limits: LimitBook;
  readonly #book: PurseBook;
  readonly #till: Till;
  readonly #reporter: Reporter;
  readonly #looks: Looks;
  readonly #open = new Set<string>();
  #timer: NodeJS.Timeout | null = null;
  #waking: Promise<void> | null = null;
  #isAwake = false;
  #isClosed = false;

  constructor(config: Pick<BudgetConfig, "perAgent" | "named" | "maxAccounts">, options: LeasingOptions) {
    const { store, holder, journal } = options;
    this.#options = options;
    this.#limits = new LimitBook(config);
    this.#book = new PurseBook(this.#limits, config.maxAccounts);
    const { purses } = this.#book;
    const desk = new StoreDesk(store, holder, options, (key) => purses.get(key));
    const line = new WaitingLine(desk, options);
    this.#till = {
      ...options, line, desk, journal,
      pay: async (purse) => payDebt(purse, desk, options).finally(() => { line.poke(); }),
      freed: (purse) => { this.#freed(purse); },
    };
    this.#looks = new Looks({ ...options, purses, most: config.maxAccounts, ask: async (keys) => this.#look(keys) });
    this.#reporter = new Reporter({ ...options, desk, journal, purses, onChange: () => { line.poke(); } });
  }

  /**
   * Gets ready to take the boundary's budgets in place of the ones before; those of the configuration stay. Counts stay too, unless meter or
   * window is another. What is held ahead of a budget whose limit changes goes back when it comes into force: the next request is asked for anew.
   * @returns what is wrong with those that are left out, and the step that puts the others in force
   */
  prepare(budgets: Readonly<Record<string, unknown>>): { readonly problems: readonly string[]; readonly apply: () => void } {
    const { problems, apply } = this.#limits.prepare(budgets);
    return {
      problems,
      apply: () => {
        apply();
        this.#looks.forget();
        const changed = this.#book.relimit();
        for (const purse of changed) this.#reporter.giveBack(purse);
        if (changed.length > 0) void this.#reporter.report();
      },
    };
  }

  /** Opens the store, and begins to report: with the first charge, or before it where one is sure to come. Never rejects. */
  wake(): Promise<void> {
    const { warmUp, timing: { reportIntervalMs } } = this.#options;
    this.#waking ??= within(WARM_UP_MS, warmUp?.() ?? Promise.resolve()).then(() => {
      this.#isAwake = true;
      if (!this.#isClosed) this.#timer = setInterval(() => { void this.turn(); }, reportIntervalMs).unref();
    });
    return this.#waking;
  }

  async reserve(charge: Charge, signal: AbortSignal): Promise<Reservation> {
    signal.throwIfAborted();
    const { id, amounts } = charge;
    if (this.#isClosed) throw new EgressError("budget.unavailable", "the ledger is closed");
    if (this.#open.has(id)) throw new EgressError("budget.unavailable", `exchange ${id} already holds a reservation`);
    const { purses } = this.#book.charged(charge);
    const reservation = new SliceReservation(purses, this.#till, () => { this.#open.delete(id); });
    this.#open.add(id);
    try {
      if (!this.#isAwake && purses.length > 0) await this.wake();
      await reservation.hold(amounts, signal);
      return reservation;
    } catch (error) {
      await reservation.release();
      throw error;
    }
  }

  async headroom(charge: Omit<Charge, "id" | "amounts">, signal: AbortSignal): Promise<Amounts> {
    signal.throwIfAborted();
    const { purses } = this.#book.charged(charge);
    const { desk, clock } = this.#till;
    if (!this.#isAwake && purses.length > 0) await this.wake();
    // What others hold ahead is not counted on: a request that is cut to fit must fit.
    const asked = purses.filter(({ isEnding }) => !isEnding).map((purse) => ({ purse, need: 0n, want: 0n }));
    const asking = asked.length === 0 ? null : desk.acquire(asked);
    await asking?.catch((cause: unknown) => { throw new EgressError("budget.unavailable", "the ledger does not answer", { cause }); });
    const least: Partial<Record<MeterName, bigint>> = {};
    for (const purse of purses) {
      const { meter } = purse.spec;
      const left = purse.free(clock.nowMs()) + purse.left(clock.nowMs());
      const before = least[meter];
      if (before === undefined || left < before) least[meter] = left;
    }
    return least;
  }

  metersFor(charge: Omit<Charge, "id" | "amounts">): ReadonlySet<MeterName> {
    return this.#book.meters(charge);
  }

  learn(agent: AgentIdentity): Promise<void> | null {
    const shown = this.#book.shown(agent);
    this.#looks.refresh(shown);
    return this.#looks.told(shown);
  }

  /**
   * As far as is known here, without waiting: what the store last said of all proxies together, with our own use since. Where nothing is held of a
   * count, that may be ten seconds old; a budget of which nothing could be learnt shows nothing spent.
   */
  standing(agent: AgentIdentity): Readonly<Record<string, PolicyBudget>> {
    const nowMs = this.#till.clock.nowMs();
    const counts = this.#book.shown(agent);
    this.#looks.refresh(counts);
    return Object.fromEntries(counts.map((count) => {
      const { limit } = count;
      const { settled, reserved, limit: most } = this.#looks.informed(count)?.known(nowMs) ?? { limit: limit.limit, settled: 0n, reserved: 0n };
      const shown = amountShown(limit.meter);
      return [limit.id, { limit: shown(most), spent: shown(settled), reserved: shown(reserved) }];
    }));
  }

  /** Whether the store is up; null before a budget first applied, when it was not asked yet. */
  get health(): LedgerHealth | null {
    return this.#isAwake ? { isUp: !this.#till.desk.isLost, answeredAtMs: this.#till.desk.answeredAtMs } : null;
  }

  /** One turn of what the timer does: reports, and gives back what nobody needs. For tests, and for those who want to be up to date. */
  async turn(): Promise<void> {
    await this.#reporter.turn();
    for (const purse of this.#book.purses.values()) if (purse.debt > 0n) await this.#till.pay(purse);
  }

  /** Gives everything back, in bounded time. What is still open is charged as it was held. The store is closed by whoever opened it. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#till.line.close();
    for (const purse of this.#book.purses.values()) purse.chargeAll();
    await within(CLOSE_MS, this.#reporter.report());
    const isClean = [...this.#book.purses.values()].every(({ slices }) => slices.length === 0);
    this.#options.journal.close(isClean);
  }

  /** Apart from the desk: who only looks does not find out that the ledger is lost. */
  async #look(keys: readonly string[]): Promise<readonly Standing[]> {
    if (!this.#isAwake) await this.wake();
    if (this.#isClosed) throw new LedgerUnavailable("the ledger is closed");
    return this.#options.store.standings({ keys, limit: keys.length });
  }

  /** What became free goes back at once where others have just found too little. */
  #freed(purse: Purse): void {
    if (purse.waiting > 0 || !purse.pace.isModest(this.#till.clock.monotonicMs())) return;
    this.#reporter.giveBack(purse);
    void this.#reporter.report();
  }
}

/** For policy and metrics: dollars, or units. */
function amountShown(meter: MeterName): (amount: bigint) => number {
  return meter === "usd" ? usdNumber : Number;
}
