import type { Clock } from "../../common/clock.ts";
import { EgressError } from "../errors.ts";
import type { AgentIdentity } from "../model/agent.ts";
import type { PolicyBudget } from "../model/standing.ts";
import { Account, type Limit } from "./account.ts";
import type { BudgetLedger, Reservation } from "./budget-ledger.ts";
import type { BudgetConfig } from "./config.ts";
import { describeExhaustion } from "./exhaustion.ts";
import { AccountReservation } from "./reservation.ts";

/**
 * Counts in the memory of one proxy. A step never waits in the middle, so that no two requests see the same room; a restart begins anew, also for
 * windows `total` and `thread`. The ledger that outlives a crash has the same interface.
 */
export class MemoryLedger implements BudgetLedger {
  readonly #agentLimits: readonly Limit[];
  readonly #named: ReadonlyMap<string, Limit>;
  readonly #maxAccounts: number;
  readonly #clock: Clock;
  readonly #accounts = new Map<string, Account>();
  readonly #open = new Set<string>();
  /** All limits: the agent's own, then the named ones. */
  readonly #limits: readonly Limit[];
  /** The keys of an agent's accounts, by the identity of its connection: they are the same for each of its requests. */
  readonly #keys = new WeakMap<AgentIdentity, Map<Limit, string>>();

  constructor(config: BudgetConfig, clock: Clock) {
    const { requests, bytes, window } = config.perAgent;
    this.#agentLimits = [
      ...(requests === undefined ? [] : [{ id: "agent.requests", meter: "requests" as const, limit: requests, window }]),
      ...(bytes === undefined ? [] : [{ id: "agent.bytes", meter: "bytes" as const, limit: bytes, window }]),
    ];
    this.#named = new Map(Object.entries(config.named).map(([id, budget]) => [id, { id, ...budget }]));
    this.#limits = [...this.#agentLimits, ...this.#named.values()];
    this.#maxAccounts = config.maxAccounts;
    this.#clock = clock;
  }

  async reserve(budgets: readonly string[], agent: AgentIdentity, exchangeId: string, signal: AbortSignal): Promise<Reservation> {
    signal.throwIfAborted();
    if (this.#open.has(exchangeId)) throw new EgressError("budget.unavailable", `exchange ${exchangeId} already holds a reservation`);
    const limits = budgets.length === 0 ? this.#agentLimits : [...this.#agentLimits, ...[...new Set(budgets)].map((id) => this.#limitNamed(id))];
    this.#makeRoom(limits.length);
    const accounts = limits.map((limit) => this.#account(limit, agent));
    for (const account of accounts) {
      // A byte budget has to have room for something; how much is asked while it flows.
      if (account.left < 1) throw describeExhaustion(account);
    }
    const reservation = new AccountReservation(accounts, () => { this.#open.delete(exchangeId); });
    this.#open.add(exchangeId);
    return reservation;
  }

  standing(agent: AgentIdentity): Readonly<Record<string, PolicyBudget>> {
    const nowMs = this.#clock.nowMs();
    const standing: Record<string, PolicyBudget> = {};
    for (const limit of this.#limits) {
      const account = this.#accounts.get(this.#keyOf(limit, agent));
      account?.advance(nowMs);
      standing[limit.id] = { limit: limit.limit, spent: account?.settled ?? 0, reserved: account?.reserved ?? 0 };
    }
    return standing;
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

/** Who shares the count. JSON, because every part may hold any separator. */
function keyOf({ id, window }: Limit, agent: AgentIdentity): string {
  if (window === "thread") return JSON.stringify([id, agent.namespace, agent.name, agent.thread]);
  return id.startsWith("agent.") ? JSON.stringify([id, agent.namespace, agent.name]) : JSON.stringify([id]);
}
