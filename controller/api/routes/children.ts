import { createRoute } from "@hono/zod-openapi";
import type { Action } from "../../access/access.ts";
import { instanceOf, type Api, type RouteParts } from "../context.ts";
import { empty, jsonAnswer, jsonBody, orProblem } from "../describe.ts";
import { deleteThread, stopThread } from "../end-thread.ts";
import { keyScope, messageKey } from "../keys.ts";
import { requireThread } from "../known.ts";
import { viewsOf } from "../list-threads.ts";
import { childList, idempotency, messageList, messagesPage, messageWish, ofChild, opened, posted, spawnWish } from "../schemas.ts";
import { spawnThread } from "../spawn-thread.ts";
import { viewOfMessage, viewOfThread } from "../views.ts";

const spawn = createRoute({
  method: "post", path: "/v1/instance/threads", operationId: "spawnThread", summary: "Open a child thread of an agent that this one may spawn",
  request: { headers: idempotency, body: jsonBody(spawnWish) },
  responses: { 200: jsonAnswer("The child of this key, which was there.", opened), 201: jsonAnswer("The new child.", opened), ...orProblem },
});
const list = createRoute({
  method: "get", path: "/v1/instance/children", operationId: "listChildren", summary: "Children of this thread, newest first, at most 1,000",
  responses: { 200: jsonAnswer("The children.", childList), ...orProblem },
});
const read = createRoute({
  method: "get", path: "/v1/instance/children/{child}/messages", operationId: "listChildMessages", summary: "What was said in a child thread, oldest first",
  request: { params: ofChild, query: messagesPage }, responses: { 200: jsonAnswer("A page of messages.", messageList), ...orProblem },
});
const post = createRoute({
  method: "post", path: "/v1/instance/children/{child}/messages", operationId: "postToChild", summary: "Post a message to the agent of a child thread",
  request: { params: ofChild, headers: idempotency, body: jsonBody(messageWish) },
  responses: { 200: jsonAnswer("The message of this key, which was there.", posted), 201: jsonAnswer("The new message.", posted), ...orProblem },
});
const stop = createRoute({
  method: "post", path: "/v1/instance/children/{child}/stop", operationId: "stopChild", summary: "Stop the instance of a child thread",
  request: { params: ofChild }, responses: { 202: empty("It is asked to stop."), ...orProblem },
});
const remove = createRoute({
  method: "delete", path: "/v1/instance/children/{child}", operationId: "deleteChild", summary: "Delete a child thread",
  request: { params: ofChild }, responses: { 204: empty("It is being deleted."), ...orProblem },
});

/** What an instance may do with the threads that it spawned. */
export function childRoutes(api: Api, parts: RouteParts): void {
  api.openapi(spawn, async (context) => {
    const { agent, title, message, grants, allowance } = context.req.valid("json");
    const key = context.req.valid("header")["idempotency-key"] ?? null;
    const { thread, row, isNew } = await spawnThread(parts, instanceOf(context), { agent, title, message, grants, allowance, key });
    return context.json({ thread: viewOfThread(thread, row.createdAtMs, await parts.store.demand(row.uid)), isNew }, isNew ? 201 : 200);
  });
  api.openapi(list, async (context) => {
    const instance = instanceOf(context);
    await parts.access.require(instance, { action: "instance.children", namespace: instance.namespace });
    const rows = instance.thread === null ? [] : await parts.store.children(instance.thread.uid);
    return context.json({ threads: await viewsOf(parts, rows) }, 200);
  });
  const child = async (context: Parameters<typeof instanceOf>[0], name: string, action: Action) => {
    const instance = instanceOf(context);
    return requireThread(parts, instance, { namespace: instance.namespace, name }, { action });
  };
  api.openapi(read, async (context) => {
    const { row } = await child(context, context.req.valid("param").child, "child.read");
    const { limit, after } = context.req.valid("query");
    return context.json({ messages: (await parts.store.messages(row.uid, { afterSeq: after, limit })).map(viewOfMessage) }, 200);
  });
  api.openapi(post, async (context) => {
    const { row } = await child(context, context.req.valid("param").child, "child.post");
    const instance = instanceOf(context);
    const key = messageKey(keyScope(instance), context.req.valid("header")["idempotency-key"] ?? null);
    const { message, isNew } = await parts.store.post(
      row.uid, { sender: { role: "agent", name: instance.agent }, isForAgent: true, body: context.req.valid("json").body, key }, parts.clock.nowMs());
    return context.json({ message: viewOfMessage(message), isNew }, isNew ? 201 : 200);
  });
  api.openapi(stop, async (context) => {
    await stopThread(parts, await child(context, context.req.valid("param").child, "child.stop"));
    return context.body(null, 202);
  });
  api.openapi(remove, async (context) => {
    await deleteThread(parts, await child(context, context.req.valid("param").child, "child.delete"));
    return context.body(null, 204);
  });
}
