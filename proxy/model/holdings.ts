import type { AgentIdentity } from "./agent.ts";
import type { Allow, Decision, Deny } from "./decision.ts";

/** What an instance may be lent at most, and what everything it does is charged to, whatever policy says. */
export interface Holdings {
  /** Null where the configuration alone decides. */
  readonly grants: readonly string[] | null;
  readonly budgets: readonly string[];
}

/** Looked up for each decision, because it may change while a connection is open. */
export interface HoldingsBook {
  /** @returns null for an agent that the boundary does not know @throws EgressError `identity.unavailable` if there is no boundary yet */
  of(agent: AgentIdentity): Holdings | null;
}

/** One machine: policy and configuration decide alone, unless the identity itself is narrowed. */
export const configuredHoldings: HoldingsBook = {
  of: ({ grants }) => (grants === undefined ? WHATEVER_POLICY_SAYS : { grants, budgets: [] }),
};
const WHATEVER_POLICY_SAYS: Holdings = { grants: null, budgets: [] };

/**
 * Agent holds, policy allows, grant lends: an allow that would lend what the instance does not hold is a deny, and every other allow is
 * charged to the agent's own budgets too. Nothing is decided in the agent's favour here.
 */
export function withinHoldings<D extends Decision>(decision: D, holdings: Holdings | null): D | Deny;
export function withinHoldings(decision: Decision, holdings: Holdings | null): Decision {
  if (decision.kind === "deny") return decision;
  const { revision } = decision;
  if (holdings === null) {
    const reason = "the agent is not, or no longer, part of the boundary";
    return { kind: "deny", revision, rule: "agents.unknown", reason, hint: "An Agent that no policy names, or that was deleted, may do nothing." };
  }
  if (decision.kind === "read") return decision;
  if (decision.kind === "allow") return narrowed(decision, holdings);
  // A person can allow no more than the agent holds.
  const allow = narrowed(decision.allow, holdings);
  return allow.kind === "deny" ? allow : { ...decision, allow };
}

function narrowed(allow: Allow, holdings: Holdings): Allow | Deny {
  const { revision } = allow;
  const missing = allow.grants.find((grant) => holdings.grants?.includes(grant) === false);
  if (missing !== undefined) {
    const reason = `policy would lend grant ${missing}, which this instance does not hold`;
    return { kind: "deny", revision, rule: "grants.not-held", reason, hint: `Add ${missing} to the grants of the Agent, and of the thread if it was narrowed; or allow the request without it.` };
  }
  if (holdings.budgets.length === 0) return allow;
  return { ...allow, budgets: [...new Set([...allow.budgets, ...holdings.budgets])] };
}
