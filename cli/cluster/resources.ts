import * as z from "zod";
import type { KubeApi, KubeObject, ObjectRef, ResourceType } from "../../common/kube/kube-api.ts";

/**
 * Objects as far as the tool shows them. They are read leniently: what an older or newer version wrote is shown as well as it can be, because
 * nothing is decided here.
 */
const text = z.string().catch("");
const texts = z.array(z.string()).catch([]);

const condition = z.looseObject({ type: text, status: text, reason: text, message: text, lastTransitionTime: text });
export type SeenCondition = z.output<typeof condition>;

const metadata = z.looseObject({
  name: z.string(), namespace: text, creationTimestamp: text, generation: z.number().optional().catch(undefined),
  labels: z.record(z.string(), z.string()).catch({}), annotations: z.record(z.string(), z.string()).catch({}),
});
const status = { observedGeneration: z.number().optional().catch(undefined), conditions: z.array(condition).catch([]) };
const empty = { conditions: [] };

const holder = { policies: texts, grants: texts, budgets: texts };
const agent = z.looseObject({
  metadata,
  spec: z.looseObject({
    image: z.string().optional().catch(undefined), ...holder, idleTimeout: text,
    mcpServers: z.array(z.looseObject({ name: text, ...holder })).catch([]),
  }).catch({ image: undefined, policies: [], grants: [], budgets: [], idleTimeout: "", mcpServers: [] }),
  status: z.looseObject({ ...status, instances: z.number().catch(0), threads: z.number().catch(0) })
    .catch({ ...empty, observedGeneration: undefined, instances: 0, threads: 0 }),
});
export type SeenAgent = z.output<typeof agent>;

const thread = z.looseObject({
  metadata,
  spec: z.looseObject({ agent: text, user: text, grants: z.array(z.string()).optional().catch(undefined), paused: z.boolean().catch(false) })
    .catch({ agent: "", user: "", grants: undefined, paused: false }),
  status: z.looseObject({
    ...status, phase: text, instance: text, spent: text, lastActivity: text, nextAttemptAt: text, unread: z.number().catch(0), attempts: z.number().catch(0),
  }).catch({ ...empty, observedGeneration: undefined, phase: "", instance: "", spent: "", lastActivity: "", nextAttemptAt: "", unread: 0, attempts: 0 }),
});
export type SeenThread = z.output<typeof thread>;

const budget = z.looseObject({
  metadata,
  spec: z.looseObject({ meter: text, limit: z.number().catch(0), window: z.string().catch("day") }).catch({ meter: "", limit: 0, window: "day" }),
  status: z.looseObject(status).catch({ ...empty, observedGeneration: undefined }),
});
export type SeenBudget = z.output<typeof budget>;

const conditioned = z.looseObject({ metadata, status: z.looseObject(status).catch({ ...empty, observedGeneration: undefined }) });
export type SeenObject = z.output<typeof conditioned>;

export const readAgent = (object: KubeObject): SeenAgent => agent.parse(object);
export const readThread = (object: KubeObject): SeenThread => thread.parse(object);
export const readBudget = (object: KubeObject): SeenBudget => budget.parse(object);
export const readObject = (object: KubeObject): SeenObject => conditioned.parse(object);

/** All objects of a type, by namespace and name. */
export async function listSeen<T extends SeenObject>(
  api: KubeApi, type: ResourceType, namespace: string | undefined, read: (object: KubeObject) => T,
): Promise<T[]> {
  const { items } = await api.list(type, namespace === undefined ? {} : { namespace });
  const key = ({ metadata: { namespace: home, name } }: T) => `${home}/${name}`;
  return items.map(read).toSorted((one, other) => (key(one) < key(other) ? -1 : 1));
}

/** @returns null if there is none */
export async function getSeen<T>(api: KubeApi, type: ResourceType, ref: ObjectRef, read: (object: KubeObject) => T): Promise<T | null> {
  const found = await api.get(type, ref);
  return found === null ? null : read(found);
}

export function conditionOf({ status: { conditions } }: Pick<SeenObject, "status">, type: string): SeenCondition | undefined {
  return conditions.find((one) => one.type === type);
}
