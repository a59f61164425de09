import { agentKey, qualifiedId, type BoundarySet } from "../../common/boundary-set.ts";
import { PLATFORM_GRANT } from "../../common/labels.ts";
import type { Agent } from "../resources/agent.ts";
import { brokenCapOf, type BrokenCaps } from "./budgets.ts";
import type { Known } from "./policy-data.ts";
import type { PolicyOutcome } from "./policies.ts";

/** What there is to be held, by id. */
export interface Shelf extends Known {
  readonly policies: ReadonlyMap<string, PolicyOutcome>;
  readonly brokenCaps: BrokenCaps;
  /** Agents by `namespace/name`. */
  readonly agents: ReadonlySet<string>;
}

/** What the boundary says of one agent, or of one of its containers. */
export interface Holder {
  readonly namespace: string;
  /** `agent` or `agent.container`: the name in its identity. */
  readonly name: string;
  readonly key: string;
  /** Ids of its policies in their order; empty if it is withheld. */
  readonly policies: readonly string[];
  readonly holds: BoundarySet["agents"][string];
  /** Why it is refused everything; null if it is not. */
  readonly withheld: { readonly reason: string; readonly hint: string } | null;
}

export interface AgentOutcome {
  readonly holders: readonly Holder[];
  /** References that lead nowhere, each as `field: what`. */
  readonly missing: readonly string[];
}

type Held = Pick<Agent["spec"], "policies" | "grants" | "budgets">;

/** Resolves what an Agent and its containers hold. Each stands for itself: what the agent holds its MCP servers do not. Pure. */
export function resolveAgent({ spec, metadata }: Agent, shelf: Shelf): AgentOutcome {
  const { namespace, name } = metadata;
  const brokenCap = brokenCapOf(metadata, shelf.brokenCaps);
  const own = resolveHolder({ namespace, name, key: agentKey(namespace, name), brokenCap }, spec, shelf);
  const servers = spec.mcpServers.map((server) => {
    const holder = resolveHolder({ namespace, name: `${name}.${server.name}`, key: agentKey(namespace, name, server.name), brokenCap }, server, shelf);
    return { ...holder, missing: holder.missing.map((text) => `mcpServers[${server.name}].${text}`) };
  });
  const spawn = spec.spawn.flatMap((right) => {
    const unknown = right.grants.filter((grant) => !shelf.grants.has(qualifiedId(namespace, grant)));
    return [
      ...(shelf.agents.has(agentKey(namespace, right.agent)) ? [] : [`spawn: Agent ${right.agent}`]),
      ...unknown.map((grant) => `spawn[${right.agent}].grants: CredentialGrant ${grant}`),
    ];
  });
  const missing = [...own.missing, ...servers.flatMap((server) => server.missing), ...spawn];
  return { holders: [own, ...servers].map(({ holder }) => holder), missing };
}

/** A holder, and the references of it that lead nowhere. */
interface Resolved {
  readonly holder: Holder;
  readonly missing: readonly string[];
}

interface Who extends Pick<Holder, "namespace" | "name" | "key"> {
  /** Budget that should apply to it always, and is not in force. */
  readonly brokenCap: string | null;
}

function resolveHolder({ brokenCap, ...who }: Who, held: Held, shelf: Shelf): Resolved {
  const id = (name: string) => qualifiedId(who.namespace, name);
  const absent = {
    policies: held.policies.filter((name) => !shelf.policies.has(id(name))),
    grants: held.grants.filter((name) => !shelf.grants.has(id(name))),
    budgets: held.budgets.filter((name) => !shelf.budgets.has(id(name))),
  };
  const missing = [
    ...absent.policies.map((name) => `policies: EgressPolicy ${name}`),
    ...absent.grants.map((name) => `grants: CredentialGrant ${name}`),
    ...absent.budgets.map((name) => `budgets: Budget ${name}`),
  ];
  const broken = held.policies.find((name) => shelf.policies.get(id(name))?.value === null);
  const withheld = withholding(who, absent, { policy: broken, cap: brokenCap });
  const holds = {
    grants: [...held.grants.filter((name) => !absent.grants.includes(name)).map(id), PLATFORM_GRANT],
    budgets: held.budgets.filter((name) => !absent.budgets.includes(name)).map(id),
  };
  return { holder: { ...who, policies: withheld === null ? held.policies.map(id) : [], holds, withheld }, missing };
}

interface Broken {
  readonly policy: string | undefined;
  readonly cap: string | null;
}

/**
 * All or nothing: with one policy gone, its refusals are gone as well, and what the others (or the operator's entries for everybody) allow would be
 * more than was meant. Without one of its budgets a cap would be gone.
 */
function withholding(who: Pick<Holder, "namespace" | "name">, absent: Pick<Held, "policies" | "budgets">, broken: Broken): Holder["withheld"] {
  const [trouble] = [
    ...absent.policies.map((name) => `EgressPolicy ${name} does not exist`),
    ...(broken.policy === undefined ? [] : [`EgressPolicy ${broken.policy} is not in force`]),
    ...absent.budgets.map((name) => `Budget ${name} is not there`),
    ...(broken.cap === null ? [] : [`Budget ${broken.cap} is for it always and is not in force`]),
  ];
  if (trouble === undefined) return null;
  return {
    reason: `${trouble}, and without all of its policies and budgets agent ${who.namespace}/${who.name} may do nothing`,
    hint: `look at the status of the Agent and of what it names, in namespace ${who.namespace}`,
  };
}
