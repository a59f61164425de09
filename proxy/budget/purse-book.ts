import type { AgentIdentity } from "../model/agent.ts";
import { EgressError } from "../errors.ts";
import { accountsOf, ownAccount, type LimitedAccount } from "./accounts.ts";
import type { Charge } from "./budget-ledger.ts";
import type { MeterName } from "./config.ts";
import type { LimitBook } from "./limit-book.ts";
import type { Shown } from "./looks.ts";
import { Purse } from "./purse.ts";

/** What a charge goes to. */
export interface Charged {
  readonly purses: readonly Purse[];
  readonly meters: ReadonlySet<MeterName>;
}

/** One purse for each count that somebody here is charged to. They are found once for each connection's agent and list of names. */
export class PurseBook {
  readonly #limits: LimitBook;
  readonly #most: number;
  readonly #purses = new Map<string, Purse>();
  #charged = new WeakMap<AgentIdentity, Map<string, Charged>>();
  #shown = new WeakMap<AgentIdentity, readonly LimitedAccount[]>();

  /** @param most that are kept at a time (budgets.maxAccounts) */
  constructor(limits: LimitBook, most: number) {
    this.#limits = limits;
    this.#most = most;
  }

  get purses(): ReadonlyMap<string, Purse> {
    return this.#purses;
  }

  /** @throws EgressError `budget.unavailable` if a budget does not exist, or no more counts can be kept */
  charged({ agent, budgets }: Pick<Charge, "agent" | "budgets">): Charged {
    let known = this.#charged.get(agent);
    if (known === undefined) this.#charged.set(agent, known = new Map<string, Charged>());
    const names = budgets.join(" ");
    let charged = known.get(names);
    if (charged === undefined) known.set(names, charged = this.#find(agent, budgets));
    return charged;
  }

  /** The meters that count, without keeping anything. @throws EgressError `budget.unavailable` if a budget does not exist */
  meters({ agent, budgets }: Pick<Charge, "agent" | "budgets">): ReadonlySet<MeterName> {
    return this.#charged.get(agent)?.get(budgets.join(" "))?.meters ?? metersOf(accountsOf(this.#limits.charged(agent, budgets), agent));
  }

  /** Each budget that may be charged to the agent, with its own purse where it has one. */
  shown(agent: AgentIdentity): readonly Shown[] {
    let shown = this.#shown.get(agent);
    if (shown === undefined) this.#shown.set(agent, shown = this.#limits.shown(agent).map((limit) => ownAccount(limit, agent)));
    return shown.map((account) => ({ ...account, purse: this.#purses.get(account.spec.key) }));
  }

  /** The limits have changed. @returns the purses whose own has; budgets that are gone keep theirs until it is idle */
  relimit(): readonly Purse[] {
    this.#forgetFound();
    return [...this.#purses.values()].filter((purse) => {
      const limit = this.#limits.named.get(purse.spec.budget);
      if (limit === undefined || limit === purse.limit) return false;
      if (limit.meter !== purse.spec.meter || limit.window !== purse.spec.window) return false;
      const isOther = limit.limit !== purse.spec.limit;
      purse.relimit(limit, { ...purse.spec, limit: limit.limit, timezone: limit.timezone, thresholds: limit.thresholds });
      return isOther;
    });
  }

  #find(agent: AgentIdentity, budgets: readonly string[]): Charged {
    const accounts = accountsOf(this.#limits.charged(agent, budgets), agent);
    const missing = accounts.filter(({ spec }) => !this.#purses.has(spec.key));
    this.#makeRoom(missing.length);
    for (const { limit, spec } of missing) this.#purses.set(spec.key, new Purse(limit, spec));
    // The same budget of the configuration has the same limit; an allowance may have been raised since its thread was last here.
    for (const { limit, spec } of accounts) if (this.#purses.get(spec.key)?.spec.limit !== spec.limit) this.#purses.get(spec.key)?.relimit(limit, spec);
    const purses = new Set(accounts.flatMap(({ spec }) => this.#purses.get(spec.key) ?? []));
    return { purses: [...purses], meters: metersOf(accounts) };
  }

  /** Forgets purses with which nothing is lost, and no others; those that could be soon are ended. */
  #makeRoom(needed: number): void {
    if (this.#purses.size + needed <= this.#most) return;
    for (const [key, purse] of this.#purses) {
      if (purse.isIdle) this.#purses.delete(key);
      else if (purse.holders === 0 && purse.waiting === 0 && !purse.isAsked) purse.end();
    }
    this.#forgetFound();
    if (this.#purses.size + needed > this.#most) throw new EgressError("budget.unavailable", `${this.#most} accounts are in use (budgets.maxAccounts)`);
  }

  #forgetFound(): void {
    this.#charged = new WeakMap();
    this.#shown = new WeakMap();
  }
}

function metersOf(accounts: readonly LimitedAccount[]): ReadonlySet<MeterName> {
  return new Set(accounts.map(({ spec }) => spec.meter));
}
