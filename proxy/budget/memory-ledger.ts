import type { Clock } from "../../common/clock.ts";
import type { Amounts } from "../../common/meters.ts";
import { usdNumber } from "../../common/money.ts";
import { EgressError } from "../errors.ts";
import type { AgentIdentity } from "../model/agent.ts";
import { firstProblem } from "../model/problem.ts";
import type { PolicyBudget } from "../model/standing.ts";
import { Account, type Limit } from "./account.ts";
import type { BudgetLedger, Charge, Reservation } from "./budget-ledger.ts";
import { amountOf, boundaryBudget, type BudgetConfig, type MeterName } from "./config.ts";
import { describeExhaustion } from "./exhaustion.ts";
import { AccountReservation } from "./reservation.ts";

/**
 * Counts in the memory of one proxy. A step never waits in the middle, so that no two requests see the same room; a restart begins anew, also for
 * windows `total` and `thread`. The ledger that outlives a crash has the same interface.
 */
export class MemoryLedger implements BudgetLedger {
  readonly #own: readonly Limit[];
  readonly #configured: readonly Limit[];
  readonly #maxAccounts: number;
  readonly #clock: Clock;
  readonly #accounts = new Map<string, Account>();
  readonly #open = new Set<string>();
  #named: ReadonlyMap<string, Limit>;
  /** All limits: the agent's own, then the named ones. */
  #limits: readonly Limit[];
  /** The keys of an agent's accounts, by the identity of its connection: they are the same for each of its requests. */
  #keys = new WeakMap<AgentIdentity, Map<Limit, string>>();

  constructor(config: BudgetConfig, clock: Clock) {
    this.#own = ownLimits(config.perAgent);
    this.#configured = Object.entries(config.named).map(([id, budget]) => ({ ...budget, limit: amountOf(budget.meter, budget.limit), id, scope: "named", setting: `budgets.named.${id}.limit` }));
    this.#named = byId(this.#configured);
    this.#limits = [...this.#own, ...this.#configured];
    this.#maxAccounts = config.maxAccounts;
    this.#clock = clock;
  }

  /**
   * Gets ready to take the boundary's budgets in place of the ones before; those of the configuration stay. Counts stay too, unless meter
   * or window is another.
   * @returns what is wrong with those that are left out (a request charged to one is refused), and the step that puts the others in force
   */
  prepare(budgets: Readonly<Record<string, unknown>>): { readonly problems: readonly string[]; readonly apply: () => void } {
    const problems: string[] = [];
    const limits = [...this.#configured];
    const taken = new Set([...this.#own, ...this.#configured].map(({ id }) => id));
    for (const [id, value] of Object.entries(budgets)) {
      const read = boundaryBudget.safeParse(value);
      if (!read.success) problems.push(`budget ${id}: ${firstProblem(read.error)}`);
      else if (taken.has(id)) problems.push(`budget ${id}: the proxy's own configuration has one of that name`);
      else limits.push({ ...read.data, limit: amountOf(read.data.meter, read.data.limit), id, scope: "named", setting: `the limit of Budget ${id}` });
    }
    return { problems, apply: () => { this.#replace(limits); } };
  }

  #replace(limits: readonly Limit[]): void {
    this.#named = byId(limits);
    this.#limits = [...this.#own, ...limits];
    this.#keys = new WeakMap();
    for (const account of this.#accounts.values()) {
      const today = account.of.scope === "named" ? this.#named.get(account.of.id) : undefined;
      if (today !== undefined && today.meter === account.of.meter && today.window === account.of.window) account.relimit(today);
    }
  }

  async reserve({ id: exchangeId, agent, budgets, amounts }: Charge, signal: AbortSignal): Promise<Reservation> {
    signal.throwIfAborted();
    if (this.#open.has(exchangeId)) throw new EgressError("budget.unavailable", `exchange ${exchangeId} already holds a reservation`);
    const accounts = this.#accountsOf({ agent, budgets });
    for (const account of accounts) {
      // A byte budget has to have room for something; how much is asked while it flows.
      if (account.left < 1n || account.left < (amounts[account.of.meter] ?? 0n)) throw describeExhaustion(account);
    }
    const reservation = new AccountReservation(accounts, amounts, () => { this.#open.delete(exchangeId); });
    this.#open.add(exchangeId);
    return reservation;
  }

  async headroom(charge: Omit<Charge, "id" | "amounts">): Promise<Amounts> {
    const least: Partial<Record<MeterName, bigint>> = {};
    for (const { of: { meter }, left } of this.#accountsOf(charge)) {
      const before = least[meter];
      if (before === undefined || left < before) least[meter] = left;
    }
    return least;
  }

  metersFor({ budgets }: Omit<Charge, "id" | "amounts">): ReadonlySet<MeterName> {
    return new Set(this.#limitsOf(budgets).map(({ meter }) => meter));
  }

  standing(agent: AgentIdentity): Readonly<Record<string, PolicyBudget>> {
    const nowMs = this.#clock.nowMs();
    const standing: Record<string, PolicyBudget> = {};
    for (const limit of this.#limits) {
      const account = this.#accounts.get(this.#keyOf(limit, agent));
      account?.advance(nowMs);
      standing[limit.id] = { limit: shown(limit.meter, limit.limit), spent: shown(limit.meter, account?.settled ?? 0n), reserved: shown(limit.meter, account?.reserved ?? 0n) };
    }
    return standing;
  }

  /** The named budgets that all share; those with a count for each thread are too many to show. */
  totals(): { readonly id: string; readonly meter: string; readonly limit: number; readonly settled: number; readonly reserved: number }[] {
    const nowMs = this.#clock.nowMs();
    return [...this.#named.values()].filter(({ window }) => window !== "thread").map((limit) => {
      const account = this.#accounts.get(sharedKey(limit));
      account?.advance(nowMs);
      return {
        id: limit.id, meter: limit.meter, limit: shown(limit.meter, limit.limit),
        settled: shown(limit.meter, account?.settled ?? 0n), reserved: shown(limit.meter, account?.reserved ?? 0n),
      };
    });
  }

  #limitsOf(budgets: readonly string[]): readonly Limit[] {
    return budgets.length === 0 ? this.#own : [...this.#own, ...[...new Set(budgets)].map((id) => this.#limitNamed(id))];
  }

  #accountsOf({ agent, budgets }: Omit<Charge, "id" | "amounts">): readonly Account[] {
    const limits = this.#limitsOf(budgets);
    this.#makeRoom(limits.length);
    return limits.map((limit) => this.#account(limit, agent));
  }

  #limitNamed(id: string): Limit {
    const limit = this.#named.get(id);
    if (limit === undefined) throw new EgressError("budget.unavailable", `budget ${id} is not configured`);
    return limit;
  }

  #account(limit: Limit, agent: AgentIdentity): Account {
    const key = this.#keyOf(limit, agent);
    let account = this.#accounts.get(key);
    if (account === undefined) {
      if (this.#accounts.size >= this.#maxAccounts) throw new EgressError("budget.unavailable", `${this.#maxAccounts} accounts are in use (budgets.maxAccounts)`);
      account = new Account(limit);
      this.#accounts.set(key, account);
    }
    account.advance(this.#clock.nowMs());
    return account;
  }

  #keyOf(limit: Limit, agent: AgentIdentity): string {
    let keys = this.#keys.get(agent);
    if (keys === undefined) this.#keys.set(agent, keys = new Map<Limit, string>());
    let key = keys.get(limit);
    if (key === undefined) keys.set(limit, key = keyOf(limit, agent));
    return key;
  }

  /** Forgets accounts that hold no count, and no others: a forgotten count is no cap. Before any is handed out, never between. */
  #makeRoom(needed: number): void {
    if (this.#accounts.size + needed <= this.#maxAccounts) return;
    const nowMs = this.#clock.nowMs();
    for (const [key, account] of this.#accounts) {
      account.advance(nowMs);
      if (account.isIdle) this.#accounts.delete(key);
    }
  }
}

/** For policy and metrics: dollars, or units. */
function shown(meter: MeterName, amount: bigint): number {
  return meter === "usd" ? usdNumber(amount) : Number(amount);
}

const OWN_METERS = ["requests", "bytes", "tokens", "usd"] as const;

function ownLimits(perAgent: BudgetConfig["perAgent"]): Limit[] {
  return OWN_METERS.flatMap((meter) => {
    const limit = perAgent[meter];
    const own = { scope: "own", window: perAgent.window, meter, id: `agent.${meter}`, setting: `budgets.perAgent.${meter}` } as const;
    return limit === undefined ? [] : [{ ...own, limit: amountOf(meter, limit) }];
  });
}

function byId(limits: readonly Limit[]): ReadonlyMap<string, Limit> {
  return new Map(limits.map((limit) => [limit.id, limit]));
}

/** Who shares the count. JSON, because every part may hold any separator. Meter and window are in it: a count of other things is another count. */
function keyOf({ id, meter, window, scope }: Limit, agent: AgentIdentity): string {
  if (window === "thread") return JSON.stringify([id, meter, window, agent.namespace, agent.name, agent.thread]);
  return scope === "own" ? JSON.stringify([id, meter, window, agent.namespace, agent.name]) : sharedKey({ id, meter, window });
}

function sharedKey({ id, meter, window }: Pick<Limit, "id" | "meter" | "window">): string {
  return JSON.stringify([id, meter, window]);
}
