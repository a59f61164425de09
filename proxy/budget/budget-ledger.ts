import type { EgressError } from "../errors.ts";
import type { AgentIdentity } from "../model/agent.ts";
import type { PolicyBudget } from "../model/standing.ts";
import type { Usage } from "../model/usage.ts";

/** Holds what an exchange may use until it is settled. Settle or release once; a second call changes nothing. */
export interface Reservation {
  /**
   * Asks for more bytes while they flow, both directions together.
   * @returns false when a byte limit is used up: the caller cuts the exchange at once with `budget.exhausted`
   */
  take(bytes: number): boolean;
  /** Once `take` has returned false: the refusal to cut with, which names the budget. Null before. */
  readonly refusal: EgressError | null;
  settle(usage: Usage): Promise<void>;
  /** Nothing was sent: gives everything back. */
  release(): Promise<void>;
}

/** Invariant at every instant and for every budget: settled + reserved ≤ cap. */
export interface BudgetLedger {
  /**
   * Reserves one request against every named budget and the agent's own limits, in one step: all admit or none does.
   * @throws EgressError `budget.exhausted` (names budget, limit, spent, window end) or `budget.unavailable`
   */
  reserve(budgets: readonly string[], agent: AgentIdentity, exchangeId: string, signal: AbortSignal): Promise<Reservation>;
  /** Budgets that apply to this agent, for policy input. */
  standing(agent: AgentIdentity): Readonly<Record<string, PolicyBudget>>;
}
