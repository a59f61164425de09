import { qualifiedId } from "../../common/boundary-set.ts";
import type { RegoProblem, TenantPolicy, TenantRego } from "../../proxy/operator.ts";
import type { EgressPolicy, PolicyProblem } from "../resources/egress-policy.ts";
import { readPolicyData, type Known } from "./policy-data.ts";
import type { BoundaryResources, Seen } from "./resources.ts";
import { refused, type PolicyVerdict, type Refused } from "./verdict.ts";

/** What the compiler said of a policy's Rego, by the policy's id. Only policies with Rego are in it. */
export type RegoVerdicts = ReadonlyMap<string, TenantRego | readonly RegoProblem[]>;

/** Policies that are left out for a reason that is not in them alone, by their ids. */
export type Excluded = ReadonlyMap<string, Refused>;

export interface Verdicts {
  readonly rego: RegoVerdicts;
  readonly excluded: Excluded;
}

export interface PolicyOutcome extends PolicyVerdict<TenantPolicy> {
  /** Why it is not in force; null if it is. */
  readonly refusal: Refused | null;
}

const NO_REGO: TenantRego = { sources: new Map(), questions: new Set() };

/** Judges each policy by itself; ids to outcomes. Pure. */
export function judgePolicies(policies: BoundaryResources["policies"], known: Known, verdicts: Verdicts): ReadonlyMap<string, PolicyOutcome> {
  return new Map(policies.map((policy) => {
    const id = policyId(policy);
    return [id, judge(policy, known, { rego: verdicts.rego.get(id), excluded: verdicts.excluded.get(id) })] as const;
  }));
}

/** `namespace.name` */
export const policyId = ({ object: { metadata } }: Seen<EgressPolicy>): string => qualifiedId(metadata.namespace ?? "", metadata.name);

/** What was found out about one policy before. */
interface Before {
  readonly rego: TenantRego | readonly RegoProblem[] | undefined;
  readonly excluded: Refused | undefined;
}

function judge({ reading }: Seen<EgressPolicy>, known: Known, verdict: Before): PolicyOutcome {
  if (!reading.isReadable) {
    const problems = reading.problems.map((message) => ({ file: "data", message }));
    return withoutEffect(refused(reading.reason, "this version of Weir does not understand it"), problems);
  }
  const { resource } = reading;
  const { value, problems, unresolved } = readPolicyData(resource, known);
  const rego = verdict.rego ?? (Object.keys(resource.spec.rego).length === 0 ? NO_REGO : [{ file: "rego", message: "was not compiled" }]);
  const regoProblems = "sources" in rego ? [] : rego;
  if (verdict.excluded !== undefined) return withoutEffect(verdict.excluded, problems);
  if (value === null || !("sources" in rego)) {
    const all = [...problems, ...regoProblems];
    return withoutEffect(refused(problems.length > 0 ? "InvalidData" : "InvalidRego", summary(all)), all);
  }
  const { namespace, name } = resource.metadata;
  return { value: { namespace, name, data: value, rego }, problems: [], unresolved, refusal: null };
}

function withoutEffect(refusal: Refused, problems: readonly PolicyProblem[]): PolicyOutcome {
  return { value: null, problems, unresolved: [], refusal };
}

function summary(problems: readonly PolicyProblem[]): string {
  const [first] = problems;
  if (first === undefined) return "";
  const place = first.line === undefined ? first.file : `${first.file}:${first.line}`;
  return `${problems.length} ${problems.length === 1 ? "problem" : "problems"}; ${place}: ${first.message}`;
}
