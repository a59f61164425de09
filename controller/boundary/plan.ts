import type { BoundarySet } from "../../common/boundary-set.ts";
import { PLATFORM_GRANT, PLATFORM_NAME } from "../../common/labels.ts";
import { policyData, type ClusterPolicy, type Pack } from "../../proxy/operator.ts";
import type { BoundaryConfig } from "./config.ts";
import { brokenCaps, judgeBudgets } from "./budgets.ts";
import { idOf, toGrant, type Definition } from "./grants.ts";
import { resolveAgent, type AgentOutcome, type Holder } from "./holdings.ts";
import { judgePolicies, type PolicyOutcome, type Verdicts } from "./policies.ts";
import type { BoundaryResources, Seen } from "./resources.ts";
import { refused, type Verdict } from "./verdict.ts";

export interface PlanSettings {
  readonly config: Pick<BoundaryConfig, "vault" | "kubernetesSecrets" | "base" | "budgets">;
  /** Where `weir.internal` leads; null if nowhere. */
  readonly platform: BoundarySet["platform"];
  /** Packs that policies can take up, by name; absent: none. */
  readonly packs?: ReadonlyMap<string, Pack>;
}

/** What the boundary shall be, and what is to be told of each resource (by `namespace/name`; policies by id). */
export interface BoundaryPlan {
  readonly cluster: ClusterPolicy;
  readonly set: Omit<BoundarySet, "revision">;
  readonly policies: ReadonlyMap<string, PolicyOutcome>;
  readonly grants: ReadonlyMap<string, Verdict<Definition>>;
  readonly budgets: ReadonlyMap<string, Verdict<Definition>>;
  /** Null for an Agent that was not understood: it is unknown to the boundary. */
  readonly agents: ReadonlyMap<string, AgentOutcome | null>;
}

const INSTANCE_PATHS = "/v1/instance/**";

/** The grant by which an agent's requests to `weir.internal` carry its node proxy's word for who it is. */
export const PLATFORM_DEFINITION: Definition = {
  credential: { type: "identity" },
  bind: { hosts: [PLATFORM_NAME], methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], paths: [INSTANCE_PATHS] },
};

/** Computes the boundary from everything that the cluster holds. Pure: the same resources give the same plan. */
export function planBoundary(resources: BoundaryResources, verdicts: Verdicts, settings: PlanSettings): BoundaryPlan {
  const grants = verdictsOf(resources.grants, (grant) => toGrant(grant, settings.config));
  const budgets = judgeBudgets(resources.budgets, settings.config.budgets);
  const known = { grants: acceptedIds(resources.grants, grants), budgets: acceptedIds(resources.budgets, budgets), packs: settings.packs ?? new Map<string, Pack>() };
  const policies = judgePolicies(resources.policies, known, verdicts);
  const shelf = { ...known, policies, brokenCaps: brokenCaps(resources.budgets, budgets), agents: new Set(resources.agents.map(({ key }) => key)) };
  const agents = new Map(resources.agents.map(({ key, reading }) => [key, reading.isReadable ? resolveAgent(reading.resource, shelf) : null] as const));
  const holders = [...agents.values()].flatMap((outcome) => outcome?.holders ?? []);
  return {
    policies, grants, budgets, agents,
    cluster: {
      base: basePolicy(settings),
      policies: [...policies.values()].flatMap(({ value }) => (value === null ? [] : [value])),
      holders: byName(holders, ({ withheld, policies: ids }) => (withheld === null ? ids : undefined)),
      withheld: byName(holders, ({ withheld }) => withheld ?? undefined),
      platform: settings.platform === null ? "" : PLATFORM_NAME,
    },
    set: {
      version: 1,
      platform: settings.platform,
      agents: Object.fromEntries(holders.map(({ key, holds }) => [key, holds])),
      grants: { ...definitions(resources.grants, grants), ...(settings.platform === null ? {} : { [PLATFORM_GRANT]: asJson(PLATFORM_DEFINITION) }) },
      budgets: { ...definitions(resources.budgets, budgets), ...installationBudgets(settings) },
    },
  };
}

/** The operator's entries, behind the one that leads every agent to the controller. */
function basePolicy({ config: { base }, platform }: PlanSettings): ClusterPolicy["base"] {
  if (platform === null) return base;
  const own = { name: PLATFORM_NAME, rule: PLATFORM_GRANT, methods: ["*"], paths: [INSTANCE_PATHS], grants: [PLATFORM_GRANT] };
  const { hosts } = policyData.parse({ hosts: [own] });
  return { ...base, hosts: [...hosts, ...base.hosts] };
}

/** What the operator's budgets are to the proxies; no Budget of a namespace has a name without a dot. */
function installationBudgets({ config: { budgets } }: PlanSettings): BoundarySet["budgets"] {
  return Object.fromEntries(Object.entries(budgets).map(([name, definition]) => [name, asJson(definition)]));
}

function verdictsOf<T>(resources: readonly Seen<T>[], judge: (resource: T) => Verdict<Definition>): ReadonlyMap<string, Verdict<Definition>> {
  return new Map(resources.map(({ key, reading }) => {
    const verdict = reading.isReadable ? judge(reading.resource) : refused(reading.reason, reading.problems.join("; "));
    return [key, verdict];
  }));
}

const asJson = (definition: Definition): BoundarySet["grants"][string] => definition as BoundarySet["grants"][string];

type Named = Parameters<typeof idOf>[0];

function acceptedIds<T extends Named>(resources: readonly Seen<T>[], verdicts: ReadonlyMap<string, Verdict<Definition>>): ReadonlySet<string> {
  return new Set(Object.keys(definitions(resources, verdicts)));
}

function definitions<T extends Named>(resources: readonly Seen<T>[], verdicts: ReadonlyMap<string, Verdict<Definition>>): BoundarySet["grants"] {
  return Object.fromEntries(resources.flatMap(({ key, reading }) => {
    const verdict = verdicts.get(key);
    return reading.isReadable && verdict?.isAccepted === true ? [[idOf(reading.resource), asJson(verdict.value)]] : [];
  }));
}

/** By namespace, then name. Namespaces and names of Kubernetes are no names of JavaScript's own properties. */
function byName<T>(holders: readonly Holder[], value: (holder: Holder) => T | undefined): Record<string, Record<string, T>> {
  const grouped: Record<string, Record<string, T>> = Object.create(null) as Record<string, Record<string, T>>;
  for (const holder of holders) {
    const chosen = value(holder);
    if (chosen !== undefined) (grouped[holder.namespace] ??= {})[holder.name] = chosen;
  }
  return { ...grouped };
}

