import * as z from "zod";
import type { KubeObject, ResourceType } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { condition, type Condition } from "../resources/meta.ts";
import { claim, summarize, toConditions, type Claim } from "../resources/status.ts";
import type { AgentOutcome } from "./holdings.ts";
import type { BoundaryPlan } from "./plan.ts";
import { policyId, type PolicyOutcome } from "./policies.ts";
import type { BoundaryResources, Seen } from "./resources.ts";
import type { Verdict } from "./verdict.ts";

/** What became of the boundary: it is there for the node proxies, or not (yet). */
export type Publication =
  | { readonly isPublished: true; readonly revision: string }
  | { readonly isPublished: false; readonly reason: string; readonly message: string };

/** A status that an object should have. */
export interface WantedStatus {
  readonly type: ResourceType;
  readonly object: KubeObject;
  readonly fields: Readonly<Record<string, unknown>>;
}

const PROBLEMS_LIMIT = 50;

/** What statuses speak of besides the plan. */
export interface Moment {
  readonly publication: Publication;
  readonly nowMs: number;
}

/** The statuses of everything that the boundary is made of. Pure. */
export function wantedStatuses(resources: BoundaryResources, plan: BoundaryPlan, moment: Moment): WantedStatus[] {
  const status = ({ object }: Seen<unknown>, claims: readonly Claim[]) => ({
    ...(object.metadata.generation === undefined ? {} : { observedGeneration: object.metadata.generation }),
    conditions: toConditions(conditionsOf(object), claims, { generation: object.metadata.generation, nowMs: moment.nowMs }),
  });
  const wanted = <T>(type: ResourceType, seen: readonly Seen<T>[], claims: (one: Seen<T>) => readonly Claim[]) =>
    seen.map((one): WantedStatus => ({ type, object: one.object, fields: status(one, claims(one)) }));
  const programmed = programmedClaim(moment.publication);
  return [
    ...resources.policies.map((policy) => {
      const outcome = plan.policies.get(policyId(policy));
      const said = status(policy, outcome === undefined ? [] : policyClaims(outcome, programmed));
      return { type: TYPES.egressPolicies, object: policy.object, fields: { ...said, ...policyFields(policy.object, outcome, moment.publication) } };
    }),
    ...wanted(TYPES.agents, resources.agents, (agent) => agentClaims(plan.agents.get(agent.key), agent.reading, programmed)),
    ...wanted(TYPES.credentialGrants, resources.grants, (grant) => [acceptedClaim(plan.grants.get(grant.key))]),
    ...wanted(TYPES.budgets, resources.budgets, (budget) => [acceptedClaim(plan.budgets.get(budget.key))]),
  ];
}

/** What the object says of itself, also where its spec is not understood: else each pass would find its conditions new. */
function conditionsOf({ status }: KubeObject): Condition[] | undefined {
  return z.looseObject({ conditions: z.array(condition) }).safeParse(status).data?.conditions;
}

function acceptedClaim(verdict: Verdict<unknown> | undefined): Claim {
  if (verdict === undefined) return claim.isUnknown("Accepted", "Pending", "not looked at yet");
  return verdict.isAccepted ? claim.isSo("Accepted", "Accepted") : claim.isNotSo("Accepted", verdict.reason, verdict.message);
}

function programmedClaim(publication: Publication): Claim {
  return publication.isPublished ? claim.isSo("Programmed", "Programmed") : claim.isNotSo("Programmed", publication.reason, publication.message);
}

function policyClaims({ refusal, unresolved }: PolicyOutcome, programmed: Claim): Claim[] {
  if (refusal !== null) {
    const hint = "agents that name it may do nothing until it is";
    return [claim.isNotSo("Accepted", refusal.reason, refusal.message), claim.isNotSo("Programmed", "NotAccepted", hint)];
  }
  const [first] = unresolved;
  const resolved = first === undefined
    ? claim.isSo("ResolvedRefs", "ResolvedRefs")
    : claim.isNotSo("ResolvedRefs", "RefNotFound", `${unresolved.length} not found; ${first.message}`);
  return [claim.isSo("Accepted", "Accepted"), resolved, programmed];
}

interface PolicyFields {
  readonly revision?: string;
  readonly problems: PolicyOutcome["problems"];
}

/** Revision and problems. The revision is the one that this generation came into force with: it does not change with every change of others. */
function policyFields({ status, metadata }: KubeObject, outcome: PolicyOutcome | undefined, publication: Publication): PolicyFields {
  const before = (status ?? {}) as { readonly revision?: unknown; readonly observedGeneration?: unknown };
  const known = typeof before.revision === "string" && before.observedGeneration === metadata.generation ? before.revision : undefined;
  const revision = outcome?.refusal === null && publication.isPublished ? known ?? publication.revision : undefined;
  const problems = [...(outcome?.problems ?? []), ...(outcome?.unresolved ?? [])].slice(0, PROBLEMS_LIMIT);
  return { ...(revision === undefined ? {} : { revision }), problems };
}

function agentClaims(outcome: AgentOutcome | null | undefined, reading: Seen<unknown>["reading"], programmed: Claim): Claim[] {
  if (!reading.isReadable) {
    const claims = [claim.isNotSo("Accepted", reading.reason, reading.problems.join("; "))];
    return [...claims, summarize(claims)];
  }
  const missing = outcome?.missing ?? [];
  const withheld = outcome?.holders.find((holder) => holder.withheld !== null)?.withheld ?? null;
  const claims = [
    claim.isSo("Accepted", "Accepted"),
    missing.length === 0 ? claim.isSo("ResolvedRefs", "ResolvedRefs") : claim.isNotSo("ResolvedRefs", "RefNotFound", `not found: ${missing.join(", ")}`),
    withheld === null ? programmed : claim.isNotSo("Programmed", "PolicyWithheld", withheld.reason),
  ];
  return [...claims, summarize(claims)];
}
