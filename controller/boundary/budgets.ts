import { qualifiedId } from "../../common/boundary-set.ts";
import type { Agent } from "../resources/agent.ts";
import type { Budget, BudgetSpec } from "../resources/budget.ts";
import type { BoundaryConfig } from "./config.ts";
import { toBudget, type Definition } from "./grants.ts";
import type { BoundaryResources, Seen } from "./resources.ts";
import { refused, type Refused, type Verdict } from "./verdict.ts";

/** A request is charged to each budget above its own: a longer chain of parents would make each request dear. */
const DEPTH_LIMIT = 8;

type Installation = BoundaryConfig["budgets"];
type BudgetVerdicts = ReadonlyMap<string, Verdict<Definition>>;

/**
 * Judges the Budgets of the cluster, each by itself and then with its parents: one whose parent is missing, is not accepted or counts something else is
 * not accepted either, because a cap above it would be gone. Pure.
 * @param installation budgets of the operator's, by name @returns by `namespace/name`
 */
export function judgeBudgets(budgets: BoundaryResources["budgets"], installation: Installation): BudgetVerdicts {
  const specs = new Map(budgets.flatMap(({ key, reading }) => (reading.isReadable ? [[key, reading.resource.spec] as const] : [])));
  const alone = new Map(budgets.map(({ key, reading }) => {
    const verdict = reading.isReadable ? toBudget(reading.resource) : refused(reading.reason, reading.problems.join("; "));
    return [key, verdict] as const;
  }));
  return new Map(budgets.map((budget) => {
    const verdict = alone.get(budget.key) ?? refused("Pending", "not looked at yet");
    const trouble = budget.reading.isReadable && verdict.isAccepted ? troubleAbove(budget.reading.resource, { specs, alone, installation }) : null;
    return [budget.key, trouble ?? withParent(verdict, budget, installation)] as const;
  }));
}

interface Known {
  readonly specs: ReadonlyMap<string, BudgetSpec>;
  readonly alone: BudgetVerdicts;
  readonly installation: Installation;
}

/** What keeps one of its parents from being charged; null if nothing does. */
function troubleAbove({ metadata: { namespace, name }, spec }: Budget, { specs, alone, installation }: Known): Refused | null {
  const passed = [name];
  for (let parent = spec.parent; parent !== undefined;) {
    if (Object.hasOwn(installation, parent)) return troubleWith(spec, namespace, { name: parent, definition: installation[parent] });
    if (passed.includes(parent)) return refused("ParentCycle", `its parents lead back to ${parent}: ${[...passed, parent].join(", ")}`);
    if (passed.length >= DEPTH_LIMIT) return refused("TooDeep", `a budget has at most ${DEPTH_LIMIT - 1} parents above it`);
    const key = `${namespace}/${parent}`;
    const above = specs.get(key);
    if (alone.get(key)?.isAccepted !== true || above === undefined) return refused("ParentNotFound", missing(parent, alone.has(key)));
    if (above.meter !== spec.meter) return otherMeter(parent, above.meter, spec.meter);
    passed.push(parent);
    parent = above.parent;
  }
  return null;
}

/** A budget of the installation that is for others must not be used up from here. */
function troubleWith({ meter }: BudgetSpec, namespace: string, parent: { readonly name: string; readonly definition: Installation[string] | undefined }): Refused | null {
  const { name, definition } = parent;
  if (definition === undefined) return refused("ParentNotFound", missing(name, false));
  if (definition.to.namespaces?.includes(namespace) === false) return refused("ParentNotAllowed", `budget ${name} of the installation is not for namespace ${namespace}`);
  return definition.meter === meter ? null : otherMeter(name, definition.meter, meter);
}

function otherMeter(parent: string, theirs: string, own: string): Refused {
  return refused("ParentMeter", `its parent ${parent} counts ${theirs}, not ${own}`);
}

function missing(parent: string, isThere: boolean): string {
  if (isThere) return `its parent ${parent} is not accepted; look at the status of that Budget`;
  return `there is no Budget ${parent} in this namespace, and no budget of that name of the installation`;
}

function withParent(verdict: Verdict<Definition>, { reading }: Seen<Budget>, installation: Installation): Verdict<Definition> {
  const parent = reading.isReadable ? reading.resource.spec.parent : undefined;
  if (!verdict.isAccepted || parent === undefined || !reading.isReadable) return verdict;
  const id = Object.hasOwn(installation, parent) ? parent : qualifiedId(reading.resource.metadata.namespace, parent);
  return { isAccepted: true, value: { ...verdict.value, parent: id } };
}

/** Budgets that should apply always and are not in force: those whom they are for may do nothing meanwhile. */
export type BrokenCaps = ReadonlyMap<string, readonly { readonly name: string; readonly agents: readonly string[] | null }[]>;

/** @returns by namespace; `agents` null are all of it. Read from the object itself, because what is not understood must not be a way out. Pure. */
export function brokenCaps(budgets: BoundaryResources["budgets"], verdicts: BudgetVerdicts): BrokenCaps {
  const broken = budgets.filter(({ key, object }) => verdicts.get(key)?.isAccepted !== true && rawSpec(object).applies === "always");
  return Map.groupBy(broken.map(({ object }) => {
    const { agents } = rawSpec(object).to ?? {};
    const isList = Array.isArray(agents) && agents.every((name) => typeof name === "string");
    return { namespace: object.metadata.namespace ?? "", name: object.metadata.name, agents: isList ? agents : null };
  }), ({ namespace }) => namespace);
}

interface RawSpec {
  readonly applies?: unknown;
  readonly to?: { readonly agents?: unknown } | null;
}

const rawSpec = (object: { readonly [key: string]: unknown }): RawSpec => object["spec"] ?? {};

/** The first cap that an agent should have and that is not in force; null if there is none. */
export function brokenCapOf({ namespace, name }: Agent["metadata"], broken: BrokenCaps): string | null {
  return broken.get(namespace)?.find(({ agents }) => agents === null || agents.includes(name))?.name ?? null;
}
