import type { z } from "@hono/zod-openapi";
import type { ServedThread } from "../access/access.ts";
import type { Agent } from "../resources/agent.ts";
import type { Thread } from "../resources/thread.ts";
import type { Demand, Message, Relation } from "../threads/thread-store.ts";
import { writtenAllowance } from "./allowances.ts";
import type { agentView, instanceView, messageView, relationView, threadView } from "./schemas.ts";

/** Environment, secrets and scheduling of an agent are for those who read the resource itself. */
export function viewOfAgent({ metadata, spec }: Agent): z.output<typeof agentView> {
  return {
    namespace: metadata.namespace, name: metadata.name, image: spec.image ?? null, policies: spec.policies, grants: spec.grants, budgets: spec.budgets,
    mcpServers: spec.mcpServers.map(({ name }) => name), idleTimeout: spec.idleTimeout,
    spawns: spec.spawn.map(({ agent, grants, maxThreads }) => ({ agent, grants, maxThreads })),
  };
}

export function viewOfThread({ metadata, spec, status }: Thread, createdAtMs: number, demand: Demand | undefined): z.output<typeof threadView> {
  return {
    namespace: metadata.namespace, name: metadata.name, uid: metadata.uid, agent: spec.agent, user: spec.user, title: spec.title ?? null,
    parent: spec.parent?.name ?? null, chain: spec.chain, grants: spec.grants ?? null, allowance: writtenAllowance(spec.allowance),
    phase: status?.phase ?? null, instance: status?.instance ?? null, unread: demand?.unread ?? 0,
    createdAt: isoTime(createdAtMs), lastActivityAt: isoTimeOrNull(demand?.lastActivityMs ?? null),
  };
}

export function viewOfMessage(message: Message): z.output<typeof messageView> {
  return {
    id: message.id, seq: message.seq, sender: { role: message.sender.role, name: message.sender.name }, isForAgent: message.isForAgent, body: message.body,
    acceptedAt: isoTime(message.acceptedAtMs), acknowledgedAt: isoTimeOrNull(message.acknowledgedAtMs),
  };
}

export function viewOfRelation({ relation, subject }: Relation): z.output<typeof relationView> {
  return { relation, subject };
}

/** What an instance is told of the thread that it serves. */
export function viewOfServed({ name, uid, user, chain, grants, allowance }: ServedThread, unread: number): NonNullable<z.output<typeof instanceView>["thread"]> {
  return { name, uid, user, chain: [...chain], grants: grants === null ? null : [...grants], allowance: writtenAllowance(allowance ?? undefined), unread };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function isoTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
