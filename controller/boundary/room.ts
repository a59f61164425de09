import type { Agent } from "../resources/agent.ts";
import { leftOut } from "../resources/read.ts";
import { policyId, type Excluded } from "./policies.ts";
import type { BoundaryResources, Seen } from "./resources.ts";
import { refused, type Refused } from "./verdict.ts";

/** What is judged: the resources, of which those that there is no room for are not read, and policies that are left out. */
export interface Admitted {
  readonly resources: BoundaryResources;
  readonly excluded: Excluded;
}

type Sized = Seen<{ readonly spec: object }>;

/**
 * Holds each namespace to its share of the boundary: all of it fits into one ConfigMap, and who fills that would keep everybody else's revocations
 * from coming into force. Policies come first, then budgets, grants and agents, each in order of name; what does not fit is left out, what fits
 * behind it is not. Pure.
 */
export function withinRoom(all: BoundaryResources, limitBytes: number): Admitted {
  const used = new Map<string, number>();
  const admit = (resource: Sized): Refused | null => {
    const namespace = namespaceOf(resource);
    const bytes = shareOf(resource);
    const sum = (used.get(namespace) ?? 0) + bytes;
    if (sum > limitBytes) return refused("TooLarge", tooLarge(limitBytes, bytes));
    used.set(namespace, sum);
    return null;
  };
  const held = <T extends { readonly spec: object }>(list: readonly Seen<T>[]): Seen<T>[] => list.map((resource) => {
    const refusal = admit(resource);
    return refusal === null ? resource : { ...resource, reading: leftOut(refusal.reason, refusal.message) };
  });
  const over = all.policies.flatMap((policy): [string, Refused][] => {
    const refusal = admit(policy);
    return refusal === null ? [] : [[policyId(policy), refusal]];
  });
  const [budgets, grants, agents] = [held(all.budgets), held(all.grants), held(all.agents)];
  return { resources: { policies: all.policies, budgets, grants, agents }, excluded: new Map(over) };
}

function tooLarge(limitBytes: number, bytes: number): string {
  return `what a namespace adds to the boundary may take ${limitBytes} bytes together (boundary.namespaceLimitBytes); this one takes ${bytes}, too many`;
}

/** The namespace that takes most of what is still in; null if nothing is. Pure. */
export function largestNamespace({ resources, excluded }: Admitted): { readonly name: string; readonly policies: readonly string[] } | null {
  const sums = new Map<string, number>();
  const policies = resources.policies.filter((policy) => policy.reading.isReadable && !excluded.has(policyId(policy)));
  const others: readonly Sized[] = [...resources.budgets, ...resources.grants, ...resources.agents];
  for (const resource of [...policies, ...others.filter(({ reading }) => reading.isReadable)]) {
    sums.set(namespaceOf(resource), (sums.get(namespaceOf(resource)) ?? 0) + shareOf(resource));
  }
  const [largest] = [...sums].toSorted(([, one], [, other]) => other - one);
  if (largest === undefined) return null;
  const [name] = largest;
  return { name, policies: policies.filter((policy) => namespaceOf(policy) === name).map(policyId) };
}

/** Without the agents, grants and budgets of one namespace: nobody there is known any more, and everybody else is. Pure. */
export function withoutNamespace(resources: BoundaryResources, name: string, message: string): BoundaryResources {
  const left = <T>(list: readonly Seen<T>[]): Seen<T>[] =>
    list.map((resource) => (namespaceOf(resource) === name ? { ...resource, reading: leftOut("TooLarge", message) } : resource));
  return { ...resources, budgets: left(resources.budgets), grants: left(resources.grants), agents: left(resources.agents) };
}

const namespaceOf = ({ object }: Seen<unknown>): string => object.metadata.namespace ?? "";

/** Of a name, and of what is around each entry. */
const ENTRY_BYTES = 128;

/** What a resource adds to the boundary, roughly: of its spec as JSON what the boundary repeats, in bytes. What is not understood adds nothing. */
function shareOf({ reading }: Sized): number {
  if (!reading.isReadable) return 0;
  const { spec } = reading.resource;
  const repeated = "mcpServers" in spec ? holdingsOf(spec as Agent["spec"]) : spec;
  return ENTRY_BYTES + Buffer.byteLength(JSON.stringify(repeated));
}

/** The rest of an Agent is for its pods. */
function holdingsOf({ mcpServers, ...agent }: Agent["spec"]): object {
  const held = ({ policies, grants, budgets }: Pick<Agent["spec"], "policies" | "grants" | "budgets">) => ({ policies, grants, budgets });
  return [held(agent), ...mcpServers.map((server) => ({ name: server.name, ...held(server) }))];
}
