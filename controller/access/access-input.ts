import * as z from "zod";
import { ACTIONS, subjectsOf, type Caller, type Question } from "./access.ts";
import type { AccessConfig } from "./config.ts";

const text = z.string();
const relation = z.enum(["owner", "maintainer", "participant"]);
const related = z.array(z.strictObject({ relation, subject: text }));
const names = z.array(text);

const caller = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("person"), name: text, subjects: names, is_kubernetes_maintainer: z.boolean() }),
  z.strictObject({ kind: z.literal("instance"), namespace: text, agent: text, thread: text.nullable(), container: text.nullable() }),
  z.strictObject({ kind: z.literal("node"), node: text }),
]);

/** What the policy of access is asked (policies/access): the source of policies/schemas/access/input.json. A thread is known by its UID. */
const accessInput = z.strictObject({
  version: z.literal(1),
  action: z.enum(ACTIONS),
  caller,
  settings: z.strictObject({ admin_groups: names, default_participants: names }),
  namespace: text,
  agent: z.strictObject({ namespace: text, name: text, grants: names, relations: related }).nullable(),
  thread: z.strictObject({ namespace: text, name: text, uid: text, parent: text.nullable(), relations: related }).nullable(),
  change: z.strictObject({ relation, subject: text, remove: z.boolean() }).nullable(),
  grants: names.nullable(),
  spawn: z.strictObject({
    agent: text,
    right: z.strictObject({ grants: names }).nullable(),
    is_startable: z.boolean(),
    held_by_child: names,
    narrowed_to: names.nullable(),
    depth: z.int(),
  }).nullable(),
});
export type AccessInput = z.output<typeof accessInput>;

/** @param isKubernetesMaintainer what Kubernetes' RBAC says; false as long as it was not asked */
export function accessInputOf(who: Caller, question: Question, config: AccessConfig, isKubernetesMaintainer: boolean): AccessInput {
  const { namespace, agent, thread, spawn } = question;
  return {
    version: 1, action: question.action, caller: callerOf(who, isKubernetesMaintainer), namespace,
    settings: { admin_groups: [...config.adminGroups], default_participants: [...config.defaultParticipants] },
    agent: agent === undefined ? null : { namespace, name: agent.name, grants: [...agent.grants], relations: agent.relations.map(relationOf) },
    thread: thread === undefined ? null : {
      namespace, name: thread.name, uid: thread.uid, parent: thread.parentUid, relations: thread.relations.map(relationOf),
    },
    change: question.change ?? null,
    grants: question.grants === undefined ? null : [...question.grants],
    spawn: spawn === undefined ? null : {
      agent: spawn.agent, right: spawn.right === null ? null : { grants: [...spawn.right.grants] }, is_startable: spawn.isStartable,
      held_by_child: [...spawn.heldByChild], narrowed_to: spawn.narrowedTo === null ? null : [...spawn.narrowedTo], depth: spawn.depth,
    },
  };
}

export function accessInputJsonSchema(): object {
  return z.toJSONSchema(accessInput, { target: "draft-7" });
}

function callerOf(who: Caller, isKubernetesMaintainer: boolean): AccessInput["caller"] {
  if (who.kind === "person") return { kind: "person", name: who.name, subjects: [...subjectsOf(who)], is_kubernetes_maintainer: isKubernetesMaintainer };
  if (who.kind === "node") return { kind: "node", node: who.node };
  return { kind: "instance", namespace: who.namespace, agent: who.agent, thread: who.thread?.uid ?? null, container: who.container };
}

function relationOf(one: { readonly relation: z.output<typeof relation>; readonly subject: string }): z.output<typeof related>[number] {
  return { relation: one.relation, subject: one.subject };
}
