import type { Informer, KubeObject } from "../../common/kube/kube-api.ts";
import type { Agent } from "../resources/agent.ts";
import type { Budget } from "../resources/budget.ts";
import type { CredentialGrant } from "../resources/credential-grant.ts";
import type { EgressPolicy } from "../resources/egress-policy.ts";
import { readAgent, readBudget, readCredentialGrant, readEgressPolicy, type Reading } from "../resources/read.ts";

/** An object of the cluster beside what it was understood as. */
export interface Seen<T> {
  /** `namespace/name` */
  readonly key: string;
  readonly object: KubeObject;
  readonly reading: Reading<T>;
}

/** Everything that the boundary is made of, each list in order of key. */
export interface BoundaryResources {
  readonly agents: readonly Seen<Agent>[];
  readonly policies: readonly Seen<EgressPolicy>[];
  readonly grants: readonly Seen<CredentialGrant>[];
  readonly budgets: readonly Seen<Budget>[];
}

export interface BoundaryInformers {
  readonly agents: Informer;
  readonly egressPolicies: Informer;
  readonly credentialGrants: Informer;
  readonly budgets: Informer;
}

/** What the cluster holds now. */
export function readResources(informers: Readonly<Record<keyof BoundaryInformers, Pick<Informer, "list">>>): BoundaryResources {
  return {
    agents: seen(informers.agents.list(), readAgent),
    policies: seen(informers.egressPolicies.list(), readEgressPolicy),
    grants: seen(informers.credentialGrants.list(), readCredentialGrant),
    budgets: seenBudgets(informers.budgets.list()),
  };
}

/** The Budgets among what was listed, in order of key. */
export function seenBudgets(objects: readonly KubeObject[]): Seen<Budget>[] {
  return seen(objects, readBudget);
}

function seen<T>(objects: readonly KubeObject[], read: (object: KubeObject) => Reading<T>): Seen<T>[] {
  return objects.map((object) => ({ key: keyOf(object), object, reading: read(object) })).sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** `namespace/name` */
export const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ""}/${metadata.name}`;
