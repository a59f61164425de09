import { EgressError } from "../errors.ts";
import type { Allow, Ask, Decision, Deny, Obligations } from "../model/decision.ts";

/** What can be decided of a part: nothing is left to read. */
export type PartDecision = Allow | Deny | Ask;

const RULE = "read.parts";
const ONE_BY_ONE = "Send the parts of this body one by one, each in a request of its own.";

/**
 * The one decision of a body by those of its parts: a deny of one is a deny of all, else an ask, else an allow. Parts are sent together, so what is lent must
 * be the same for all; they are charged to the budgets of all, and owe the strictest of what any owes. The revision is that of the first part: where
 * another came into force between two of them, the whole exchange is asked about again before it is sent (forward.ts).
 * @param decisions of all parts, at least one
 */
export function agree(decisions: readonly PartDecision[]): PartDecision {
  const [first, ...others] = decisions;
  if (first === undefined) throw new EgressError("internal", "a body without a part");
  if (others.length === 0) return first;
  const denied = decisions.find((one) => one.kind === "deny");
  if (denied !== undefined) return denied;
  const asks = decisions.filter((one) => one.kind === "ask");
  const allow = agreedAllow(decisions.map((one) => (one.kind === "ask" ? one.allow : one)).filter((one) => one.kind === "allow"));
  if (allow.kind === "deny" || asks[0] === undefined) return allow;
  return agreedAsk(asks[0], asks, allow);
}

function agreedAllow(allows: readonly Allow[]): Allow | Deny {
  const [first] = allows;
  if (first === undefined) throw new EgressError("internal", "a body without a part");
  const isLentAlike = allows.every(({ grants }) => isSameSet(grants, first.grants));
  if (!isLentAlike) return disagreement(first, "other credentials would be lent to one part of this body than to another");
  return { ...first, budgets: [...new Set(allows.flatMap(({ budgets }) => budgets))], obligations: strictest(allows.map(({ obligations }) => obligations)) };
}

/** One person is asked one question. */
function agreedAsk(first: Ask, asks: readonly Ask[], allow: Allow): Ask | Deny {
  const scopes = first.scopes.filter((scope) => asks.every((one) => one.scopes.includes(scope)));
  const isOneQuestion = asks.every(({ rule }) => rule === first.rule) && scopes.length > 0;
  if (!isOneQuestion) return disagreement(first, "a person would have to be asked about the parts of this body by several rules");
  return { ...first, scopes, timeoutMs: Math.min(...asks.map(({ timeoutMs }) => timeoutMs)), allow };
}

function strictest(all: readonly Obligations[]): Obligations {
  const least = (key: "maxRequestBytes" | "maxResponseBytes" | "maxOutputTokens"): Obligations => {
    const limits = all.map((one) => one[key]).filter((limit) => limit !== undefined);
    return limits.length === 0 ? {} : { [key]: Math.min(...limits) };
  };
  const short = all.map(({ whenShort }) => whenShort).filter((one) => one !== undefined);
  const whenShort: Obligations = short[0] === undefined ? {} : { whenShort: short.includes("refuse") ? "refuse" : short[0] };
  const filter: Obligations = all.some((one) => one.filter === "mcp") ? { filter: "mcp" } : {};
  return { ...least("maxRequestBytes"), ...least("maxResponseBytes"), ...least("maxOutputTokens"), ...whenShort, ...filter };
}

function isSameSet(some: readonly string[], others: readonly string[]): boolean {
  return new Set(some).size === new Set([...some, ...others]).size && new Set(others).size === new Set(some).size;
}

function disagreement({ revision }: Decision, reason: string): Deny {
  return { kind: "deny", rule: RULE, reason, hint: ONE_BY_ONE, revision };
}
