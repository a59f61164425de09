import { isDeepStrictEqual } from "node:util";
import { FINALIZER, GROUP } from "../../common/labels.ts";
import { KubeError, type KubeObject } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import type { AllowanceSpec } from "../resources/meta.ts";
import { thread as threadSchema, type Thread } from "../resources/thread.ts";
import type { NewMessage, Sender } from "../threads/thread-store.ts";
import type { ApiParts } from "./context.ts";
import { messageKey, threadNameOf } from "./keys.ts";
import type { KnownThread } from "./known.ts";
import { ApiProblem } from "./problem.ts";

const USER_LIMIT = 253;

/** A thread that somebody may open; access has said so. */
export interface Wish {
  readonly namespace: string;
  readonly agent: string;
  readonly title: string | undefined;
  readonly user: string;
  readonly parent: { readonly name: string; readonly uid: string } | null;
  readonly chain: readonly string[];
  readonly grants: readonly string[] | null;
  readonly allowance: AllowanceSpec | null;
  /** Of the threads in `chain`, in its order; empty where none of them has any. */
  readonly chainAllowances: readonly AllowanceSpec[];
  /** First message to the agent. */
  readonly message: { readonly body: string; readonly sender: Sender } | null;
  /** Whose key it is. */
  readonly scope: string;
  readonly key: string | null;
}

/**
 * Makes the Thread and posts its first message. The same wish with the same key makes one thread with one first message, however often and
 * from however many places it is made, and also after it was interrupted half-way.
 * @throws ApiProblem, KubeError, ThreadGone
 */
export async function openThread(parts: ApiParts, wish: Wish): Promise<KnownThread & { readonly isNew: boolean }> {
  if (wish.user.length > USER_LIMIT) throw new ApiProblem("request.unfit", `a name on whose behalf a thread runs has at most ${USER_LIMIT} characters`);
  const { thread, isNew } = await createOrFind(parts, threadObject(wish));
  requireSame(thread, wish);
  const row = await parts.store.ensureThread({
    uid: thread.metadata.uid, namespace: wish.namespace, name: thread.metadata.name, agent: wish.agent, owner: wish.user, parentUid: wish.parent?.uid ?? null,
  }, parts.clock.nowMs());
  if (wish.message !== null) await parts.store.post(row.uid, firstMessage(wish, wish.message), parts.clock.nowMs());
  return { thread, row, isNew };
}

function threadObject(wish: Wish): KubeObject {
  const spec = {
    agent: wish.agent, user: wish.user, chain: wish.chain,
    ...(wish.title === undefined ? {} : { title: wish.title }),
    ...(wish.parent === null ? {} : { parent: wish.parent }),
    ...(wish.grants === null ? {} : { grants: wish.grants }),
    ...(wish.allowance === null ? {} : { allowance: wish.allowance }),
    ...(wish.chainAllowances.length === 0 ? {} : { chainAllowances: wish.chainAllowances }),
  };
  // With the finalizer from the start: what is stored of it is removed with it, however soon that is.
  const metadata = { namespace: wish.namespace, name: threadNameOf(wish), finalizers: [FINALIZER] };
  return { apiVersion: `${GROUP}/${TYPES.threads.version}`, kind: TYPES.threads.kind, metadata, spec };
}

async function createOrFind(parts: ApiParts, object: KubeObject): Promise<{ thread: Thread; isNew: boolean }> {
  try {
    return { thread: threadSchema.parse(await parts.kube.create(TYPES.threads, object)), isNew: true };
  } catch (error) {
    if (!(error instanceof KubeError) || error.status !== 409) throw error;
    // The cache may not have it yet.
    const found = await parts.kube.get(TYPES.threads, { namespace: object.metadata.namespace ?? "", name: object.metadata.name });
    if (found === null || found.metadata.deletionTimestamp !== undefined) {
      throw new ApiProblem("gone", "the thread of this key is being deleted", { rule: "key.deleted", hint: "use another key", cause: error });
    }
    return { thread: threadSchema.parse(found), isNew: false };
  }
}

/** Names follow from keys, and anybody who may create Threads by kubectl can take one first: such a thread is not what was asked for. */
function requireSame({ spec }: Thread, wish: Wish): void {
  const isSame = spec.agent === wish.agent && spec.user === wish.user && spec.parent?.uid === wish.parent?.uid
    && JSON.stringify([spec.chain, spec.grants ?? null]) === JSON.stringify([wish.chain, wish.grants])
    && isDeepStrictEqual([spec.allowance ?? null, spec.chainAllowances ?? []], [wish.allowance, wish.chainAllowances]);
  if (!isSame) throw new ApiProblem("conflict", "the key was used for another thread", { rule: "key.reused", hint: "use another key" });
}

/** Every thread has one first message of this kind at most, so that a repeated request posts no second one. */
function firstMessage(wish: Wish, { body, sender }: NonNullable<Wish["message"]>): NewMessage {
  return { sender, isForAgent: true, body, key: wish.key === null ? null : messageKey("first message", wish.key) };
}
