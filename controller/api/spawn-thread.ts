import type { Amounts } from "../../common/meters.ts";
import type { Instance, ServedThread } from "../access/access.ts";
import type { AllowanceSpec } from "../resources/meta.ts";
import type { ApiParts } from "./context.ts";
import { amountsIn, least, leftToSpend, specOfAmounts, wantedAllowance, type WrittenAllowance } from "./allowances.ts";
import { keyScope, threadNameOf } from "./keys.ts";
import { knownAgent, requireOwnThread, type KnownThread } from "./known.ts";
import { openThread } from "./open-thread.ts";
import { ApiProblem } from "./problem.ts";

/** An agent in a chain is named with its thread; identity and audit take no longer text. */
const CHAIN_ENTRY_LIMIT = 253;

export interface SpawnWish {
  readonly agent: string;
  readonly title: string | undefined;
  readonly message: string | undefined;
  readonly grants: readonly string[] | undefined;
  readonly allowance: WrittenAllowance | undefined;
  readonly key: string | null;
}

/**
 * Opens a child thread for an instance: with no grant beyond what its parent may hand on, with no more to spend than the parent
 * has left, with the parent in its chain, on behalf of the same user.
 * @throws AccessRefused, ApiProblem
 */
export async function spawnThread(parts: ApiParts, instance: Instance, wish: SpawnWish): Promise<KnownThread & { readonly isNew: boolean }> {
  const { namespace, agent } = instance;
  const [parent, child] = await Promise.all([knownAgent(parts, { namespace, name: agent }), knownAgent(parts, { namespace, name: wish.agent })]);
  const right = parent?.spec.spawn.find((one) => one.agent === wish.agent) ?? null;
  const chain = instance.thread === null ? [] : chainBelow(instance, instance.thread);
  const { grants } = await parts.access.require(instance, {
    action: "instance.spawn", namespace, ...(wish.grants === undefined ? {} : { grants: wish.grants }),
    spawn: {
      agent: wish.agent, right, isStartable: child?.spec.image !== undefined,
      heldByChild: child?.spec.grants ?? [], narrowedTo: instance.thread?.grants ?? null, depth: chain.length,
    },
  });
  // Access refuses both; a child without grants of its own would get its Agent's.
  if (instance.thread === null || right === null || grants === null) throw new ApiProblem("internal", "access allowed what it cannot have allowed");
  const asked = { namespace, agent: wish.agent, scope: keyScope(instance), key: wish.key };
  // Without a key there is no other request that could mean the same: the name is fixed here, for place and thread.
  const keyed = { ...asked, key: wish.key ?? crypto.randomUUID() };
  await requireOwnThread(parts, instance);
  const wanted = wantedAllowance(amountsIn(wish.allowance), amountsIn(right.allowance));
  await takePlace(parts, instance, { name: threadNameOf(keyed), agent: wish.agent, limit: right.maxThreads, wanted });
  return openThread(parts, {
    ...keyed, title: wish.title, user: instance.thread.user, parent: { name: instance.thread.name, uid: instance.thread.uid }, chain, grants,
    allowance: Object.keys(wanted).length === 0 ? null : specOfAmounts(wanted), chainAllowances: allowancesAbove(instance.thread),
    message: wish.message === undefined ? null : { body: wish.message, sender: { role: "agent", name: agent } },
  });
}

function chainBelow({ namespace, agent }: Instance, thread: ServedThread): readonly string[] {
  const entry = `${namespace}/${agent}/${thread.name}`;
  if (entry.length > CHAIN_ENTRY_LIMIT) {
    throw new ApiProblem("request.unfit", `the thread's name is too long for a chain: ${entry.length} characters, at most ${CHAIN_ENTRY_LIMIT}`);
  }
  return [...thread.chain, entry];
}

/** Of the parent and all above it; nothing where none of them has any. */
function allowancesAbove({ chain, allowance, chainAllowances }: ServedThread): readonly AllowanceSpec[] {
  const above = chainAllowances.length === 0 ? chain.map(() => ({})) : chainAllowances;
  return allowance === null && chainAllowances.length === 0 ? [] : [...above, allowance ?? {}];
}

interface ChildPlace {
  readonly name: string;
  readonly agent: string;
  readonly limit: number;
  readonly wanted: Amounts;
}

/** @throws ApiProblem if there is no place, AllowanceTaken if there is not so much to give away */
async function takePlace(parts: ApiParts, { namespace, agent, thread }: Instance, { wanted, ...child }: ChildPlace): Promise<void> {
  if (thread === null) throw new ApiProblem("internal", "a child without a parent");
  const own = amountsIn(thread.allowance ?? undefined);
  const left = await leftToSpend(parts.ledger, [namespace, agent, thread.name], own);
  const most = least([own, ...thread.chainAllowances.map((allowance) => amountsIn(allowance))]);
  if (await parts.store.reserveChild({ ...child, parentUid: thread.uid, allowance: { wanted, most, left } }, parts.clock.nowMs())) return;
  const hint = "delete those that are done: DELETE /v1/instance/children/{child}";
  throw new ApiProblem("conflict", `the thread has ${child.limit} children of agent ${child.agent} already`, { rule: "spawn.max-threads", hint });
}
