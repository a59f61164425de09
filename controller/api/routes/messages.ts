import { createRoute, z } from "@hono/zod-openapi";
import { personOf, type Api, type RouteParts } from "../context.ts";
import { jsonAnswer, jsonBody, orProblem } from "../describe.ts";
import { openEventStream } from "../event-stream.ts";
import { keyScope, messageKey } from "../keys.ts";
import { requireThread } from "../known.ts";
import { acknowledged, eventsFrom, idempotency, lastEvent, messageList, messagesPage, messageWish, ofMessage, ofThread, posted } from "../schemas.ts";
import { viewOfMessage } from "../views.ts";

const post = createRoute({
  method: "post", path: "/v1/namespaces/{namespace}/threads/{thread}/messages", operationId: "postMessage", summary: "Post a message to the agent",
  request: { params: ofThread, headers: idempotency, body: jsonBody(messageWish) },
  responses: { 200: jsonAnswer("The message of this key, which was there.", posted), 201: jsonAnswer("The new message.", posted), ...orProblem },
});
const list = createRoute({
  method: "get", path: "/v1/namespaces/{namespace}/threads/{thread}/messages", operationId: "listMessages", summary: "What was said in a thread, oldest first",
  request: { params: ofThread, query: messagesPage },
  responses: { 200: jsonAnswer("A page of messages; the next begins after the last `seq`.", messageList), ...orProblem },
});
const acknowledge = createRoute({
  method: "post", path: "/v1/namespaces/{namespace}/threads/{thread}/messages/{message}/acknowledge", operationId: "acknowledgeMessage",
  summary: "Acknowledge a message and all before it in the agent's stead, so that it does not get them (again)",
  request: { params: ofMessage }, responses: { 200: jsonAnswer("How many were open.", acknowledged), ...orProblem },
});
const events = createRoute({
  method: "get", path: "/v1/namespaces/{namespace}/threads/{thread}/events", operationId: "followThread",
  summary: "Follow a thread by server-sent events: `message`, `thread`, `problem`",
  description: "Resume with `Last-Event-ID` (the `seq` of the last message) or `after`; without either it begins with the first message. "
    + "A stream ends after a while; clients connect again.",
  request: { params: ofThread, query: eventsFrom, headers: lastEvent },
  responses: { 200: { description: "The events.", content: { "text/event-stream": { schema: z.string() } } }, ...orProblem },
});

export function messageRoutes(api: Api, parts: RouteParts): void {
  api.openapi(post, async (context) => {
    const { namespace, thread: name } = context.req.valid("param");
    const person = personOf(context);
    const { row } = await requireThread(parts, person, { namespace, name }, { action: "thread.post" });
    const key = messageKey(keyScope(person), context.req.valid("header")["idempotency-key"] ?? null);
    const { message, isNew } = await parts.store.post(
      row.uid, { sender: { role: "user", name: person.name }, isForAgent: true, body: context.req.valid("json").body, key }, parts.clock.nowMs());
    return context.json({ message: viewOfMessage(message), isNew }, isNew ? 201 : 200);
  });
  api.openapi(list, async (context) => {
    const { namespace, thread: name } = context.req.valid("param");
    const { limit, after } = context.req.valid("query");
    const { row } = await requireThread(parts, personOf(context), { namespace, name }, { action: "thread.read" });
    return context.json({ messages: (await parts.store.messages(row.uid, { afterSeq: after, limit })).map(viewOfMessage) }, 200);
  });
  api.openapi(acknowledge, async (context) => {
    const { namespace, thread: name, message } = context.req.valid("param");
    const { row } = await requireThread(parts, personOf(context), { namespace, name }, { action: "thread.acknowledge" });
    return context.json({ acknowledged: await parts.store.acknowledge(row.uid, message, parts.clock.nowMs()) }, 200);
  });
  api.openapi(events, async (context) => {
    const { namespace, thread: name } = context.req.valid("param");
    const afterSeq = context.req.valid("header")["last-event-id"] ?? context.req.valid("query").after ?? 0;
    const following = { caller: personOf(context), name: { namespace, name }, afterSeq, requestId: context.get("requestId") };
    const stream = await openEventStream(parts, following, context.req.raw.signal);
    return context.body(stream, 200, { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" });
  });
}
