import type { Scope } from "../../common/ledger/account-key.ts";
import type { Threshold, Window } from "../../common/ledger/account.ts";
import type { AgentIdentity } from "../model/agent.ts";
import { amountOf, type BudgetConfig, type MeterName, type NamedBudget } from "./config.ts";

/** A budget as configured: what it counts, up to where, in which window, for whom. */
export interface Limit {
  readonly id: string;
  readonly meter: MeterName;
  readonly limit: bigint;
  readonly window: Window;
  readonly timezone: string;
  /** Who shares a count. Window `thread` has one for each thread, whatever this says. */
  readonly per: Scope;
  /** Id of the budget that is charged too; null if there is none. */
  readonly parent: string | null;
  /** Whom it applies to without being named; null: nobody. */
  readonly always: Selector | null;
  readonly thresholds: readonly Threshold[];
  readonly whenLedgerIsLost: "deny" | "allow";
  /** What an operator changes to raise it for good, as refusals say it. */
  readonly setting: string;
}

/** Whom a budget applies to; what is not said does not matter. */
export type Selector = NamedBudget["to"];

const OWN_METERS = ["requests", "bytes", "tokens", "usd"] as const;
const TOLD_AT: readonly Threshold[] = [{ percent: 50, action: "notify" }, { percent: 80, action: "notify" }, { percent: 100, action: "notify" }];

/** What every agent, or every thread of it, has for itself. */
export function ownLimits(perAgent: BudgetConfig["perAgent"]): readonly Limit[] {
  return OWN_METERS.flatMap((meter) => {
    const limit = perAgent[meter];
    if (limit === undefined) return [];
    return [{
      id: `agent.${meter}`, meter, limit: amountOf(meter, limit), window: perAgent.window, timezone: "UTC", per: "agent", parent: null, always: {},
      thresholds: TOLD_AT, whenLedgerIsLost: "deny", setting: `budgets.perAgent.${meter}`,
    } as const];
  });
}

export function namedLimit(id: string, { meter, limit, window, timezone, per, parent, applies, to, thresholds, whenLedgerIsLost }: NamedBudget, setting: string): Limit {
  return {
    id, meter, limit: amountOf(meter, limit), window, timezone, per, parent: parent ?? null, always: applies === "always" ? to : null, thresholds, whenLedgerIsLost, setting,
  };
}

/** What a thread was given by the one that spawned it. */
export function allowanceLimit(meter: MeterName, limit: bigint): Limit {
  return {
    id: `thread.allowance.${meter}`, meter, limit, window: "thread", timezone: "UTC", per: "thread", parent: null, always: null,
    thresholds: TOLD_AT, whenLedgerIsLost: "deny", setting: "what its parent gave it",
  };
}

/** All that is said must fit. */
export function isSelected({ namespaces, agents, users }: Selector, { namespace, name, user }: AgentIdentity): boolean {
  return (namespaces === undefined || namespaces.includes(namespace))
    && (agents === undefined || agents.includes(name) || agents.includes(`${namespace}/${name}`))
    && (users === undefined || users.includes(user));
}
