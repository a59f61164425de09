import { createRoute } from "@hono/zod-openapi";
import type { Instance } from "../../access/access.ts";
import type { Message } from "../../threads/thread-store.ts";
import { callerKey, instanceOf, type Api, type RouteParts } from "../context.ts";
import { empty, jsonAnswer, jsonBody, orProblem } from "../describe.ts";
import { keyScope, messageKey } from "../keys.ts";
import { requireOwnThread, type KnownThread } from "../known.ts";
import { acknowledged, idempotency, instanceView, messageList, messageWish, ofOwnMessage, pendingQuery, posted } from "../schemas.ts";
import { viewOfMessage, viewOfServed } from "../views.ts";

const see = createRoute({
  method: "get", path: "/v1/instance", operationId: "readInstance", summary: "Who the caller is",
  responses: { 200: jsonAnswer("The instance.", instanceView), ...orProblem },
});
const receive = createRoute({
  method: "get", path: "/v1/instance/messages", operationId: "receiveMessages",
  summary: "Messages that the agent has not acknowledged, oldest first; waits for one if it is told to",
  request: { query: pendingQuery }, responses: { 200: jsonAnswer("The messages; none if none came in time.", messageList), ...orProblem },
});
const acknowledge = createRoute({
  method: "post", path: "/v1/instance/messages/{message}/acknowledge", operationId: "acknowledgeOwnMessage",
  summary: "Acknowledge a message and all before it, when the turn is done; what is not acknowledged is delivered again",
  request: { params: ofOwnMessage }, responses: { 200: jsonAnswer("How many were open.", acknowledged), ...orProblem },
});
const answer = createRoute({
  method: "post", path: "/v1/instance/answers", operationId: "postAnswer", summary: "Say something in the thread",
  request: { headers: idempotency, body: jsonBody(messageWish) },
  responses: { 200: jsonAnswer("The answer of this key, which was there.", posted), 201: jsonAnswer("The new answer.", posted), ...orProblem },
});
const keepAlive = createRoute({
  method: "post", path: "/v1/instance/keepalive", operationId: "keepAlive",
  summary: "Say that the agent is busy although nothing leaves it; every 10 seconds while it works",
  responses: { 204: empty("It is noted."), ...orProblem },
});

/** The contract between an instance and the controller: all that a container needs to be an agent. */
export function instanceRoutes(api: Api, parts: RouteParts): void {
  api.openapi(see, async (context) => {
    const instance = instanceOf(context);
    await parts.access.require(instance, { action: "instance.see", namespace: instance.namespace });
    const { namespace, agent, pod, container, thread } = instance;
    const unread = thread === null ? 0 : (await parts.store.demand(thread.uid)).unread;
    const served = thread === null ? null : viewOfServed(thread, unread);
    return context.json({ namespace, agent, pod, container, thread: served }, 200);
  });
  api.openapi(receive, async (context) => {
    const instance = instanceOf(context);
    const { row } = await ownThread(parts, instance, "instance.receive");
    const { limit, wait } = context.req.valid("query");
    const waitMs = Math.min(wait * 1_000, parts.config.longPollMs);
    const messages = await pendingOrWait(parts, { instance, threadUid: row.uid, limit, waitMs }, context.req.raw.signal);
    return context.json({ messages: messages.map(viewOfMessage) }, 200);
  });
  api.openapi(acknowledge, async (context) => {
    const { row } = await ownThread(parts, instanceOf(context), "instance.receive");
    return context.json({ acknowledged: await parts.store.acknowledge(row.uid, context.req.valid("param").message, parts.clock.nowMs()) }, 200);
  });
  api.openapi(answer, async (context) => {
    const instance = instanceOf(context);
    const { row } = await ownThread(parts, instance, "instance.answer");
    const key = messageKey(keyScope(instance), context.req.valid("header")["idempotency-key"] ?? null);
    const { message, isNew } = await parts.store.post(
      row.uid, { sender: { role: "agent", name: instance.agent }, isForAgent: false, body: context.req.valid("json").body, key }, parts.clock.nowMs());
    return context.json({ message: viewOfMessage(message), isNew }, isNew ? 201 : 200);
  });
  api.openapi(keepAlive, async (context) => {
    const instance = instanceOf(context);
    await parts.access.require(instance, { action: "instance.keep-alive", namespace: instance.namespace });
    if (instance.thread !== null) await parts.store.noteActivity(new Map([[instance.thread.uid, parts.clock.nowMs()]]));
    return context.body(null, 204);
  });
}

async function ownThread(parts: RouteParts, instance: Instance, action: "instance.receive" | "instance.answer"): Promise<KnownThread> {
  await parts.access.require(instance, { action, namespace: instance.namespace });
  return requireOwnThread(parts, instance);
}

interface Receiving {
  readonly instance: Instance;
  readonly threadUid: string;
  readonly limit: number;
  readonly waitMs: number;
}

/** Waiting is no activity: an agent that only waits for messages is idle. */
async function pendingOrWait(parts: RouteParts, { instance, threadUid, limit, waitMs }: Receiving, signal: AbortSignal): Promise<readonly Message[]> {
  if (waitMs <= 0) return parts.store.pending(threadUid, limit);
  const untilMs = parts.clock.monotonicMs() + waitMs;
  const wait = parts.waiting.open(threadUid, callerKey(instance), signal);
  try {
    for (;;) {
      const messages = await parts.store.pending(threadUid, limit);
      const leftMs = untilMs - parts.clock.monotonicMs();
      if (messages.length > 0 || leftMs <= 0 || wait.signal.aborted) return messages;
      await wait.next(Math.min(leftMs, parts.config.pollIntervalMs));
    }
  } finally {
    wait.close();
  }
}
