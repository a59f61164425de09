import { BOUNDARY_LIMIT_BYTES } from "../../common/boundary-set.ts";
import { DATA_MEMORY_LIMIT_BYTES } from "../../proxy/operator.ts";
import { packBoundary, type PackedBoundary } from "./pack-boundary.ts";
import { planBoundary, type BoundaryPlan, type PlanSettings } from "./plan.ts";
import type { Excluded, Verdicts } from "./policies.ts";
import type { RegoBuilder } from "./build.ts";
import { overMemory } from "./memory.ts";
import type { RegoChecks } from "./rego-checks.ts";
import type { BoundaryResources } from "./resources.ts";
import { largestNamespace, withinRoom, withoutNamespace, type Admitted } from "./room.ts";
import { refused, type Refused } from "./verdict.ts";

export interface CompiledBoundary {
  readonly plan: BoundaryPlan;
  readonly packed: PackedBoundary;
  /** As they were judged: what there was no room for is not read. */
  readonly resources: BoundaryResources;
  /** False if some policy has not had its turn with the compiler yet: the next pass goes on. */
  readonly isComplete: boolean;
}

export interface Compiler {
  readonly checks: Pick<RegoChecks, "verdicts">;
  readonly builder: Pick<RegoBuilder, "build" | "culprits" | "knownCulprits">;
  readonly settings: PlanSettings & { readonly config: { readonly namespaceLimitBytes: number } };
  /** Default {@link BOUNDARY_LIMIT_BYTES}. */
  readonly limitBytes?: number;
  /** Of each node proxy's evaluator; default {@link DATA_MEMORY_LIMIT_BYTES}. */
  readonly memoryLimitBytes?: number;
}

/**
 * Compiles everything that the cluster holds. What is wrong with one policy, what cannot be built and what there is no room for is left out, and
 * whoever names it may do nothing; the rest is not held up by it.
 * @throws Error if not even that helps
 */
export async function compileBoundary(all: BoundaryResources, compiler: Compiler, signal: AbortSignal): Promise<CompiledBoundary> {
  const { checks, settings, limitBytes = BOUNDARY_LIMIT_BYTES } = compiler;
  let admitted = withinRoom(all, settings.config.namespaceLimitBytes);
  const rego = await checks.verdicts(admitted.resources.policies, admitted.excluded, signal);
  for (;;) {
    signal.throwIfAborted();
    const compiled = await compileOnce(admitted, rego.verdicts, compiler);
    if ("leaveOut" in compiled) {
      admitted = excluding(admitted, compiled.leaveOut);
      continue;
    }
    const bytes = compiled.packed.bundle.byteLength + compiled.packed.set.byteLength;
    if (bytes <= limitBytes) return { ...compiled, resources: admitted.resources, isComplete: rego.isComplete };
    admitted = withoutLargest(admitted, { bytes, limitBytes });
  }
}

type Compiled = Pick<CompiledBoundary, "plan" | "packed"> | { readonly leaveOut: Excluded };

async function compileOnce({ resources, excluded }: Admitted, rego: Verdicts["rego"], compiler: Compiler): Promise<Compiled> {
  const { builder, settings, memoryLimitBytes = DATA_MEMORY_LIMIT_BYTES } = compiler;
  const plan = planBoundary(resources, { rego, excluded }, settings);
  const heaviest = overMemory(plan.cluster, memoryLimitBytes);
  if (heaviest !== null) return { leaveOut: heaviest };
  const { policies } = plan.cluster;
  const known = builder.knownCulprits(policies);
  if (known.size > 0) return { leaveOut: known };
  try {
    return { plan, packed: await packBoundary(plan.cluster, plan.set, await builder.build(policies)) };
  } catch (error) {
    const leaveOut = await builder.culprits(policies, error);
    // Without Rego nothing is compiled: the trouble is another.
    if (leaveOut.size === 0) throw error;
    return { leaveOut };
  }
}

function excluding({ resources, excluded }: Admitted, more: Excluded): Admitted {
  return { resources, excluded: new Map([...excluded, ...more]) };
}

/** Policies go first: without them an agent is still known, and refused with a reason. */
function withoutLargest(admitted: Admitted, { bytes, limitBytes }: { readonly bytes: number; readonly limitBytes: number }): Admitted {
  const message = `the boundary of the cluster would take ${bytes} bytes, ${limitBytes} fit; the namespace that takes most is left out first`;
  const largest = largestNamespace(admitted);
  if (largest === null) throw new Error(`the boundary takes ${bytes} bytes without any namespace; ${limitBytes} fit into its ConfigMap`);
  if (largest.policies.length === 0) return { ...admitted, resources: withoutNamespace(admitted.resources, largest.name, message) };
  return excluding(admitted, new Map(largest.policies.map((id): [string, Refused] => [id, refused("TooLarge", message)])));
}
