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

export interface PolicyOutcome extends PolicyVerdict<TenantPolicy> {
  /** Why it is not in force; null if it is. */
  readonly refusal: Refused | null;
}

const NO_REGO: TenantRego = { sources: new Map(), questions: new Set() };

/** Judges each policy by itself; ids to outcomes. Pure. */
export function judgePolicies(policies: BoundaryResources["policies"], known: Known, verdicts: { readonly rego: RegoVerdicts; readonly excluded: Excluded }): ReadonlyMap<string, PolicyOutcome> {
  return new Map(policies.map((policy) => {
    const id = policyId(policy);
    return [id, judge(policy, known, { rego: verdicts.rego.get(id), excluded: verdicts.excluded.get(id) })] as const;
  }));
}

/** `namespace.name` */
export const policyId = ({ object: { metadata } }: Seen<EgressPolicy>): string => qualifiedId(metadata.namespace ?? "", metadata.name);

function judge({ reading }: Seen<EgressPolicy>, known: Known, verdict: { readonly rego: TenantRego | readonly RegoProblem[] | undefined; readonly excluded: Refused | undefined }): PolicyOutcome {
  if (!reading.isReadable) return withoutEffect(refused("Unreadable", "this version of Weir does not understand it"), reading.problems.map((message) => ({ file: "data", message })));
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

/** Policies that their namespace has no more room for, in order of name. Pure. */
export function overLimit(policies: BoundaryResources["policies"], limitBytes: number): Excluded {
  const used = new Map<string, number>();
  const over = new Map<string, Refused>();
  for (const policy of policies) {
    const namespace = policy.object.metadata.namespace ?? "";
    const bytes = sizeOf(policy);
    const sum = (used.get(namespace) ?? 0) + bytes;
    if (sum > limitBytes) over.set(policyId(policy), refused("TooLarge", `the policies of a namespace may take ${limitBytes} bytes together (boundary.namespaceLimitBytes); this one takes ${bytes} more than there is room for`));
    else used.set(namespace, sum);
  }
  return over;
}

/** What a policy adds to the boundary, roughly: its spec as JSON, in bytes. */
export const sizeOf = ({ object }: Seen<EgressPolicy>): number => Buffer.byteLength(JSON.stringify(object["spec"] ?? null));
