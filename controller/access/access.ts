import type { AllowanceSpec } from "../resources/meta.ts";
import type { Relation } from "../threads/thread-store.ts";

/** Somebody with a name: a user of the cluster, a service account, a user of an OIDC issuer. */
export interface Person {
  readonly kind: "person";
  readonly name: string;
  readonly groups: readonly string[];
  /** Whether Kubernetes knows this name, so that its RBAC can be asked. */
  readonly isOfKubernetes: boolean;
}

/** A running pod, vouched for by the proxy of its node. */
export interface Instance {
  readonly kind: "instance";
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  readonly node: string;
  readonly agent: string;
  /** A container with an identity of its own; null is the agent itself. */
  readonly container: string | null;
  /** What it serves; null for pods that were not started for a thread. */
  readonly thread: ServedThread | null;
}

export interface ServedThread {
  readonly uid: string;
  readonly name: string;
  readonly user: string;
  readonly chain: readonly string[];
  /** The most that the thread may be lent; null if nothing but its Agent says so. */
  readonly grants: readonly string[] | null;
  /** What it may use at most in its life; null: no more than its budgets say. */
  readonly allowance: AllowanceSpec | null;
  /** The same for the threads in `chain`, in its order; empty where none of them has any. */
  readonly chainAllowances: readonly AllowanceSpec[];
}

/** A node proxy that speaks for itself. */
export interface NodeProxy {
  readonly kind: "node";
  readonly node: string;
}

export type Caller = Person | Instance | NodeProxy;

export const PEOPLES_ACTIONS = [
  "agent.see", "agent.open", "agent.configure", "namespace.list",
  "thread.see", "thread.read", "thread.post", "thread.acknowledge", "thread.stop", "thread.share", "thread.delete",
  "budget.read", "budget.adjust", "approval.see", "approval.decide",
] as const;
export const INSTANCES_ACTIONS = [
  "instance.see", "instance.keep-alive", "instance.receive", "instance.answer", "instance.children", "instance.spawn",
  "child.see", "child.read", "child.post", "child.stop", "child.delete",
] as const;
export const NODES_ACTIONS = ["activity.report", "ledger.use", "approval.report"] as const;
export const ACTIONS = [...PEOPLES_ACTIONS, ...INSTANCES_ACTIONS, ...NODES_ACTIONS] as const;
export type Action = (typeof ACTIONS)[number];

type Related = readonly Pick<Relation, "relation" | "subject">[];

/**
 * What somebody wants to do, and to what; without a namespace to what belongs to the installation. An agent or a thread that does not exist is asked about all the same, without relations: whoever may
 * not see it learns nothing from the answer.
 */
export interface Question {
  readonly action: Action;
  readonly namespace: string;
  readonly agent?: { readonly name: string; readonly grants: readonly string[]; readonly relations: Related };
  readonly thread?: { readonly name: string; readonly uid: string; readonly parentUid: string | null; readonly relations: Related };
  /** A relation that is to be added or removed. */
  readonly change?: { readonly relation: Relation["relation"]; readonly subject: string; readonly remove: boolean };
  /** Grants that the new thread shall hold at most. */
  readonly grants?: readonly string[];
  readonly spawn?: Spawn;
}

export interface Spawn {
  readonly agent: string;
  /** The entry of the parent's Agent for the child's; null if there is none. */
  readonly right: { readonly grants: readonly string[] } | null;
  /** The child's Agent exists and has an image. */
  readonly isStartable: boolean;
  readonly heldByChild: readonly string[];
  /** What the parent was narrowed to; null if it was not. */
  readonly narrowedTo: readonly string[] | null;
  /** Agents above the child. */
  readonly depth: number;
}

export interface Allowed {
  readonly rule: string;
  /** For a thread that is opened or spawned: what it may hold at most; null leaves it to its Agent. */
  readonly grants: readonly string[] | null;
}

/** What a caller shows. */
export interface Credentials {
  readonly authorization: string | undefined;
  /** The header by which a node proxy names the instance it speaks for. */
  readonly instance: string | undefined;
}

export interface Access {
  /** @throws AccessRefused if the caller is not who it says, AccessUnavailable if that cannot be found out */
  authenticate(credentials: Credentials): Promise<Caller>;
  /** @throws AccessRefused with rule, reason and hint; AccessUnavailable if there is no decision */
  require(caller: Caller, question: Question): Promise<Allowed>;
  /** Like {@link Access.require}, for those who want to know: false if it is refused. */
  allows(caller: Caller, question: Question): Promise<boolean>;
  /** What the relations of a person are compared with: `user:NAME`, `group:NAME`. */
  subjects(person: Person): readonly string[];
  /** The instance that a node proxy speaks of, if the cluster agrees that it lives on that node; null if it does not. @throws AccessUnavailable */
  instanceOn(node: NodeProxy, pod: { readonly namespace: string; readonly pod: string; readonly uid: string }): Promise<Instance | null>;
}

/** The subjects that a person is: what relations are compared with. */
export function subjectsOf(person: Person): readonly string[] {
  return [`user:${person.name}`, ...person.groups.map((group) => `group:${group}`)];
}

/** Not proven to be somebody (`unauthenticated`), not allowed to (`denied`), or too late: an instance whose thread is no more (`gone`). */
export class AccessRefused extends Error {
  override readonly name = "AccessRefused";
  readonly rule: string;
  readonly hint: string;
  readonly kind: "denied" | "unauthenticated" | "gone";

  constructor(rule: string, reason: string, options: { readonly hint: string; readonly kind?: AccessRefused["kind"]; readonly cause?: unknown }) {
    super(reason, { cause: options.cause });
    this.rule = rule;
    this.hint = options.hint;
    this.kind = options.kind ?? "denied";
  }
}

/** Who is asking, or whether they may, could not be found out: never an allow. */
export class AccessUnavailable extends Error {
  override readonly name = "AccessUnavailable";
}
