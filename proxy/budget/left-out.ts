import { EgressError } from "../errors.ts";
import type { AgentIdentity } from "../model/agent.ts";
import { isSelected, type Limit, type Selector } from "./limits.ts";

/** A budget of the boundary that is not in force here, although the controller has accepted it. */
export interface LeftOut {
  readonly id: string;
  readonly problem: string;
  /** Whom it may apply to without being named; null: nobody. */
  readonly always: Selector | null;
}

/**
 * One that cannot be read: its controller may be newer than this proxy, or it is not fit. Unless it plainly waits to be named, it may apply to all
 * of its namespace, and one of the installation to everybody.
 * @param id `namespace.name`; without a dot it belongs to the installation
 */
export function unreadable(id: string, value: unknown, problem: string): LeftOut {
  const [namespace = "", name] = id.split(".");
  const says = `${problem} (this proxy is older than its controller, or the budget is not fit)`;
  return { id, problem: says, always: isCharged(value) ? null : name === undefined ? {} : { namespaces: [namespace] } };
}

/** One that can be read and cannot be charged. */
export function unfit({ id, always }: Limit, problem: string): LeftOut {
  return { id, problem, always };
}

/** A cap that is not in force would be no cap: nothing is spent by whom it may apply to. @throws EgressError `budget.unavailable` */
export function refuseUncapped(leftOut: Iterable<LeftOut>, agent: AgentIdentity): void {
  for (const one of leftOut) if (one.always !== null && isSelected(one.always, agent)) throw notInForce(one);
}

export function notInForce({ id, problem }: LeftOut): EgressError {
  return new EgressError("budget.unavailable", `budget ${id} is not in force: ${problem}`);
}

/** Only what it says itself counts; the controller always writes it. */
function isCharged(value: unknown): boolean {
  return typeof value === "object" && value !== null && "applies" in value && value.applies === "charged";
}
