import { EgressError } from "../errors.ts";
import type { Activity } from "../model/activity.ts";
import type { BudgetLedger } from "./budget-ledger.ts";

/** The same ledger, by which it is noted whom a budget stops, and when it does not any more: so that people see why an agent is silent. */
export function noticingLedger(ledger: BudgetLedger, activity: Activity): BudgetLedger {
  return {
    reserve: async (charge, signal) => {
      const { agent, amounts } = charge;
      try {
        const reservation = await ledger.reserve(charge, signal);
        activity.afforded(agent, amounts);
        return reservation;
      } catch (error) {
        if (error instanceof EgressError && error.code === "budget.exhausted") activity.exhausted(agent, { ...noteOf(error), amounts });
        throw error;
      }
    },
    headroom: async (payer, signal) => ledger.headroom(payer, signal),
    metersFor: (payer) => ledger.metersFor(payer),
    learn: (agent) => ledger.learn(agent),
    standing: (agent) => ledger.standing(agent),
  };
}

const RULE_PREFIX = "budget.";

function noteOf({ explanation, message, opensAtMs }: EgressError): { readonly budget: string; readonly reason: string; readonly opensAtMs: number | null } {
  const rule = explanation?.rule ?? "";
  return { budget: rule.startsWith(RULE_PREFIX) ? rule.slice(RULE_PREFIX.length) : rule, reason: explanation?.reason ?? message, opensAtMs: opensAtMs ?? null };
}
