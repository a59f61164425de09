import { EgressError } from "../errors.ts";
import type { AgentIdentity } from "../model/agent.ts";
import { firstProblem } from "../model/problem.ts";
import { boundaryBudget, type BudgetConfig } from "./config.ts";
import { notInForce, refuseUncapped, unfit, unreadable, type LeftOut } from "./left-out.ts";
import { isSelected, namedLimit, ownLimits, type Limit } from "./limits.ts";
import { parentProblems } from "./parents.ts";

/** All budgets that are in force: each agent's own, those of the configuration, and those of the boundary. */
export class LimitBook {
  readonly #own: readonly Limit[];
  readonly #configured: readonly Limit[];
  #named: ReadonlyMap<string, Limit>;
  #always: readonly Limit[];
  #leftOut: ReadonlyMap<string, LeftOut> = new Map();

  constructor({ perAgent, named }: Pick<BudgetConfig, "perAgent" | "named">) {
    this.#own = ownLimits(perAgent);
    this.#configured = Object.entries(named).map(([id, budget]) => namedLimit(id, budget, `budgets.named.${id}.limit`));
    this.#named = byId(this.#configured);
    this.#always = alwaysOf(this.#own, this.#named);
  }

  get named(): ReadonlyMap<string, Limit> {
    return this.#named;
  }

  /** True if nothing is counted for anybody. */
  get isEmpty(): boolean {
    return this.#own.length === 0 && this.#named.size === 0;
  }

  /**
   * Gets ready to take the boundary's budgets in place of the ones before; those of the configuration stay.
   * @returns what is wrong with those that are left out, and the step that puts the others in force. A request charged to one that is left out, or to
   * a child of it, is refused; so is everything of those whom it may apply to always
   */
  prepare(budgets: Readonly<Record<string, unknown>>): { readonly problems: readonly string[]; readonly apply: () => void } {
    const { limits, leftOut } = this.#read(budgets);
    const apply = (): void => {
      this.#named = limits;
      this.#always = alwaysOf(this.#own, limits);
      this.#leftOut = leftOut;
    };
    return { problems: [...leftOut.values()].map(({ id, problem }) => `budget ${id}: ${problem}`), apply };
  }

  /**
   * Everything that is charged, each once: what the agent has for itself, what applies always, what was named, and all parents.
   * @throws EgressError `budget.unavailable` if one that was named does not exist, or one that may apply to the agent always is not in force
   */
  charged(agent: AgentIdentity, names: readonly string[]): readonly Limit[] {
    refuseUncapped(this.#leftOut.values(), agent);
    const limits = new Set(this.#always.filter(({ always }) => always !== null && isSelected(always, agent)));
    for (const id of names) limits.add(this.#limitNamed(id));
    for (const { parent } of limits) {
      // A set that grows while it is walked is walked to its new end: parents of parents too.
      if (parent !== null) limits.add(this.#limitNamed(parent));
    }
    return [...limits];
  }

  /** All that may be charged to this agent, for policy to look at. */
  shown(agent: AgentIdentity): readonly Limit[] {
    return [...this.#own, ...this.#named.values()].filter(({ always }) => always === null || isSelected(always, agent));
  }

  #read(budgets: Readonly<Record<string, unknown>>): { readonly limits: ReadonlyMap<string, Limit>; readonly leftOut: ReadonlyMap<string, LeftOut> } {
    const limits = new Map(byId(this.#configured));
    const leftOut = new Map<string, LeftOut>();
    const taken = new Set([...this.#own, ...this.#configured].map(({ id }) => id));
    for (const [id, value] of Object.entries(budgets)) {
      const read = boundaryBudget.safeParse(value);
      if (!read.success) {
        leftOut.set(id, unreadable(id, value, firstProblem(read.error)));
        continue;
      }
      const limit = namedLimit(id, read.data, `the limit of Budget ${id}`);
      if (taken.has(id)) leftOut.set(id, unfit(limit, "the proxy's own configuration has one of that name"));
      else limits.set(id, limit);
    }
    for (let bad = parentProblems(limits); bad.size > 0; bad = parentProblems(limits)) {
      for (const [id, problem] of bad) {
        const limit = limits.get(id);
        if (limit !== undefined) leftOut.set(id, unfit(limit, problem));
        limits.delete(id);
      }
    }
    return { limits, leftOut };
  }

  #limitNamed(id: string): Limit {
    const limit = this.#named.get(id);
    const leftOut = this.#leftOut.get(id);
    if (limit === undefined && leftOut !== undefined) throw notInForce(leftOut);
    if (limit === undefined) throw new EgressError("budget.unavailable", `budget ${id} is not configured`);
    return limit;
  }
}

function byId(limits: readonly Limit[]): ReadonlyMap<string, Limit> {
  return new Map(limits.map((limit) => [limit.id, limit]));
}

function alwaysOf(own: readonly Limit[], named: ReadonlyMap<string, Limit>): readonly Limit[] {
  return [...own, ...[...named.values()].filter(({ always }) => always !== null)];
}
