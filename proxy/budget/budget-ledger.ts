import type { Amounts, MeterName } from "../../common/meters.ts";
import type { EgressError } from "../errors.ts";
import type { AgentIdentity } from "../model/agent.ts";
import type { PolicyBudget } from "../model/standing.ts";

/** Seen from the agent: `out` leaves, `in` comes back. */
export type Direction = "out" | "in";

/** Holds what an exchange may use until it is settled. Settle or release once; a second call changes nothing. */
export interface Reservation {
  /**
   * Asks for more bytes while they flow.
   * @returns false when a limit is used up: the caller cuts at once with `refusal`
   */
  take(direction: Direction, bytes: number): boolean;
  /**
   * Null while there is enough at hand for what may be on its way; else reading should pause until it resolves. Never rejects; when the ledger
   * has no more or does not answer, `take` says so.
   */
  readonly refill: Promise<void> | null;
  /**
   * Holds more of other meters than bytes, all or nothing: a stream without a limit asks one step ahead.
   * @returns false if it may not go on past what is held; `refusal` says why
   */
  extend(more: Amounts, signal: AbortSignal): Promise<boolean>;
  /** Once `take` or `extend` has returned false: the refusal to cut with, which names the budget. Null before. */
  readonly refusal: EgressError | null;
  /**
   * What it came to, bytes too. More than was held is charged as far as there is room; what was held and not used is free again.
   * @param estimated of `used`, what is an estimate
   */
  settle(used: Amounts, estimated?: Amounts): Promise<void>;
  /** Nothing was sent: gives everything back. */
  release(): Promise<void>;
}

/** What is to be charged to whom. */
export interface Charge {
  /** Of an exchange, tunnel or session; one reservation for each. */
  readonly id: string;
  readonly agent: AgentIdentity;
  /** Named by policy and by what the agent holds; budgets that apply to everybody, and the parents of all of them, are charged without being named. */
  readonly budgets: readonly string[];
  /** What is held at once. */
  readonly amounts: Amounts;
}

/** Invariant at every instant and for every budget: settled + reserved ≤ cap. */
export interface BudgetLedger {
  /**
   * Reserves against every budget that applies, in one step: all admit or none does.
   * @throws EgressError `budget.exhausted` (names budget, limit, spent, window end) or `budget.unavailable`
   */
  reserve(charge: Charge, signal: AbortSignal): Promise<Reservation>;
  /** The least that is left over all budgets that apply, by meter; meters that none of them counts are absent. @throws EgressError `budget.unavailable` */
  headroom(charge: Omit<Charge, "id" | "amounts">, signal: AbortSignal): Promise<Amounts>;
  /** The meters that count for it. @throws EgressError `budget.unavailable` for a budget that does not exist */
  metersFor(charge: Omit<Charge, "id" | "amounts">): ReadonlySet<MeterName>;
  /**
   * Learns how the budgets that apply to this agent stand, where that was never heard here: to be waited for before policy first looks at them.
   * @returns null if there is nothing to wait for. Never rejects, and takes no longer than a request waits for the ledger
   */
  learn(agent: AgentIdentity): Promise<void> | null;
  /** Budgets that apply to this agent, for policy input; without waiting. */
  standing(agent: AgentIdentity): Readonly<Record<string, PolicyBudget>>;
}
