import type { Action, Person, Question } from "../access/access.ts";
import type { ApiParts } from "./context.ts";

/** Whose question, or whose approval, it is. */
export interface OfThread {
  readonly namespace: string;
  readonly agent: string;
  readonly thread: string;
  /** Null for a pod that serves no thread: then the agent's people alone decide. */
  readonly threadUid: string | null;
}

type ApprovalAction = Extract<Action, "approval.see" | "approval.decide">;

/** What access is asked. Of what is not there it is asked all the same, without relations: whoever may not see it learns nothing from the answer. */
export async function approvalQuestion({ store }: Pick<ApiParts, "store">, action: ApprovalAction, of: OfThread | null): Promise<Question> {
  if (of === null) return { action, namespace: "" };
  const { namespace, agent, thread, threadUid } = of;
  const ofAgent = { name: agent, grants: [], relations: await store.relations("agent", `${namespace}/${agent}`) };
  if (threadUid === null) return { action, namespace, agent: ofAgent };
  return { action, namespace, agent: ofAgent, thread: { name: thread, uid: threadUid, parentUid: null, relations: await store.relations("thread", threadUid) } };
}

/** Those that a person may see. Asked once for each thread. */
export async function visibleTo<T>(parts: Pick<ApiParts, "store" | "access">, person: Person, all: readonly T[], of: (one: T) => OfThread): Promise<readonly T[]> {
  const answers = new Map<string, Promise<boolean>>();
  const mayBeSeen = async (about: OfThread): Promise<boolean> => {
    const key = JSON.stringify([about.namespace, about.agent, about.threadUid]);
    const answer = answers.get(key) ?? approvalQuestion(parts, "approval.see", about).then(async (question) => parts.access.allows(person, question));
    answers.set(key, answer);
    return answer;
  };
  const seen = await Promise.all(all.map(async (one) => mayBeSeen(of(one))));
  return all.filter((_, at) => seen[at]);
}
