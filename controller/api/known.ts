import type { KubeObject } from "../../common/kube/kube-api.ts";
import type { Allowed, Caller, Instance, Question } from "../access/access.ts";
import type { Agent } from "../resources/agent.ts";
import { readAgent, readThread } from "../resources/read.ts";
import type { Thread } from "../resources/thread.ts";
import type { ThreadRow } from "../threads/thread-store.ts";
import type { ApiParts } from "./context.ts";
import { ApiProblem } from "./problem.ts";

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

/** A Thread as the cluster and the store know it. */
export interface KnownThread {
  readonly thread: Thread;
  readonly row: ThreadRow;
}

/** The Thread of that name, entered into the store if it was made by somebody else (kubectl, GitOps); null if there is none or it is being deleted. */
export async function knownThread(parts: ApiParts, { namespace, name }: ObjectName): Promise<KnownThread | null> {
  const thread = presentThread(await parts.objects.thread({ namespace, name }));
  if (thread === null) return null;
  const { uid } = thread.metadata;
  const row = await parts.store.ensureThread(
    { uid, namespace, name, agent: thread.spec.agent, owner: thread.spec.user, parentUid: thread.spec.parent?.uid ?? null }, parts.clock.nowMs());
  return row.archivedAtMs === null ? { thread, row } : null;
}

/** Null for what is being deleted, and for what this version cannot read: the reconciler says in its status what is wrong with it. */
export function presentThread(found: KubeObject | null): Thread | null {
  const reading = found === null || found.metadata.deletionTimestamp !== undefined ? null : readThread(found);
  return reading?.isReadable === true ? reading.resource : null;
}

/** See {@link presentThread}. */
export function presentAgent(found: KubeObject | null): Agent | null {
  const reading = found === null || found.metadata.deletionTimestamp !== undefined ? null : readAgent(found);
  return reading?.isReadable === true ? reading.resource : null;
}

export async function knownAgent(parts: ApiParts, { namespace, name }: ObjectName): Promise<Agent | null> {
  return presentAgent(await parts.objects.agent({ namespace, name }));
}

type Ask = Pick<Question, "action" | "change" | "grants">;

/**
 * The Thread, if the caller may do that with it. Access is asked before anything is said about whether it exists.
 * @throws AccessRefused, or ApiProblem `not-found` to those who may know
 */
export async function requireThread(parts: ApiParts, caller: Caller, name: ObjectName, ask: Ask): Promise<KnownThread> {
  const known = await knownThread(parts, name);
  await parts.access.require(caller, await threadQuestion(parts, name, known, ask));
  if (known === null) throw new ApiProblem("not-found", `there is no thread ${name.namespace}/${name.name}`);
  return known;
}

export async function threadQuestion(parts: ApiParts, { namespace, name }: ObjectName, known: KnownThread | null, ask: Ask): Promise<Question> {
  if (known === null) return { ...ask, namespace, thread: { name, uid: "", parentUid: null, relations: [] } };
  const { uid, agent, parentUid } = known.row;
  const [relations, agentRelations] = await Promise.all([parts.store.relations("thread", uid), parts.store.relations("agent", `${namespace}/${agent}`)]);
  return { ...ask, namespace, thread: { name, uid, parentUid, relations }, agent: { name: agent, grants: [], relations: agentRelations } };
}

/** The Agent, if the caller may do that with it; see {@link requireThread}. */
export async function requireAgent(parts: ApiParts, caller: Caller, name: ObjectName, ask: Ask): Promise<{ readonly agent: Agent; readonly allowed: Allowed }> {
  const known = await knownAgent(parts, name);
  const relations = await parts.store.relations("agent", `${name.namespace}/${name.name}`);
  // Relations to an agent that is not there (any more) still count: who had them may know that it is gone.
  const about = { name: name.name, grants: known?.spec.grants ?? [], relations };
  const allowed = await parts.access.require(caller, { ...ask, namespace: name.namespace, agent: about });
  if (known === null) throw new ApiProblem("not-found", `there is no agent ${name.namespace}/${name.name}`);
  return { agent: known, allowed };
}

/** The thread that an instance serves, as long as it is there. @throws ApiProblem `gone` */
export async function requireOwnThread(parts: ApiParts, { namespace, thread }: Instance): Promise<KnownThread> {
  const known = thread === null ? null : await knownThread(parts, { namespace, name: thread.name });
  if (known === null || known.row.uid !== thread?.uid) throw new ApiProblem("gone", "the thread of this instance is no more", { rule: "thread.gone" });
  return known;
}
