import { BOUNDARY_LIMIT_BYTES } from "../../common/boundary-set.ts";
import { packBoundary, type PackedBoundary, type RegoBuilder } from "./build.ts";
import { planBoundary, type BoundaryPlan, type PlanSettings } from "./plan.ts";
import { overLimit, policyId, sizeOf, type Excluded, type RegoVerdicts } from "./policies.ts";
import type { RegoChecks } from "./rego-checks.ts";
import type { BoundaryResources } from "./resources.ts";
import { refused, type Refused } from "./verdict.ts";

export interface CompiledBoundary {
  readonly plan: BoundaryPlan;
  readonly packed: PackedBoundary;
}

export interface Compiler {
  readonly checks: Pick<RegoChecks, "verdicts">;
  readonly builder: Pick<RegoBuilder, "build" | "culprits">;
  readonly settings: PlanSettings & { readonly config: { readonly namespaceLimitBytes: number } };
  /** Default {@link BOUNDARY_LIMIT_BYTES}. */
  readonly limitBytes?: number;
}

/**
 * Compiles everything that the cluster holds. What is wrong with one policy, what cannot be built and what there is no room for is left out, and
 * whoever names it may do nothing; the rest is not held up by it.
 * @throws Error if not even that helps: agents, grants and budgets alone are too large
 */
export async function compileBoundary(resources: BoundaryResources, { checks, builder, settings, limitBytes = BOUNDARY_LIMIT_BYTES }: Compiler, signal: AbortSignal): Promise<CompiledBoundary> {
  const excluded = new Map<string, Refused>(overLimit(resources.policies, settings.config.namespaceLimitBytes));
  const rego = await checks.verdicts(resources.policies, excluded, signal);
  for (;;) {
    signal.throwIfAborted();
    const compiled = await compileOnce(resources, { rego, excluded }, { builder, settings });
    if ("leaveOut" in compiled) {
      for (const [id, reason] of compiled.leaveOut) excluded.set(id, reason);
      continue;
    }
    const bytes = compiled.packed.bundle.byteLength + compiled.packed.set.byteLength;
    if (bytes <= limitBytes) return compiled;
    const largest = largestNamespace(resources.policies, compiled.plan);
    if (largest.length === 0) throw new Error(`the boundary takes ${bytes} bytes without any EgressPolicy; ${limitBytes} fit into its ConfigMap`);
    for (const id of largest) excluded.set(id, refused("TooLarge", `the boundary of the cluster would take ${bytes} bytes, ${limitBytes} fit; the namespace with the largest policies is left out first`));
  }
}

async function compileOnce(resources: BoundaryResources, verdicts: { readonly rego: RegoVerdicts; readonly excluded: Excluded }, { builder, settings }: Pick<Compiler, "builder" | "settings">): Promise<CompiledBoundary | { readonly leaveOut: Excluded }> {
  const plan = planBoundary(resources, verdicts, settings);
  const { policies } = plan.cluster;
  try {
    return { plan, packed: await packBoundary(plan.cluster, plan.set, await builder.build(policies)) };
  } catch (error) {
    const leaveOut = await builder.culprits(policies, error);
    // Without Rego nothing is compiled: the trouble is another.
    if (leaveOut.size === 0) throw error;
    return { leaveOut };
  }
}

/** Ids of the policies in force of the namespace whose policies take most. */
function largestNamespace(policies: BoundaryResources["policies"], plan: BoundaryPlan): readonly string[] {
  const byNamespace = new Map<string, { bytes: number; readonly ids: string[] }>();
  for (const policy of policies) {
    const id = policyId(policy);
    if (plan.policies.get(id)?.refusal !== null) continue;
    const namespace = policy.object.metadata.namespace ?? "";
    const group = byNamespace.get(namespace) ?? { bytes: 0, ids: [] };
    group.bytes += sizeOf(policy);
    group.ids.push(id);
    byNamespace.set(namespace, group);
  }
  return [...byNamespace.values()].sort((a, b) => b.bytes - a.bytes)[0]?.ids ?? [];
}
