import { createRoute } from "@hono/zod-openapi";
import { personOf, type Api, type RouteParts } from "../context.ts";
import { empty, jsonAnswer, jsonBody, orProblem } from "../describe.ts";
import { deleteThread, stopThread } from "../end-thread.ts";
import { keyScope } from "../keys.ts";
import { requireAgent, requireThread } from "../known.ts";
import { listThreads } from "../list-threads.ts";
import { openThread } from "../open-thread.ts";
import { idempotency, inNamespace, ofParticipant, ofThread, opened, relationList, threadList, threadsPage, threadView, threadWish } from "../schemas.ts";
import { viewOfRelation, viewOfThread } from "../views.ts";

const open = createRoute({
  method: "post", path: "/v1/namespaces/{namespace}/threads", operationId: "openThread", summary: "Open a thread, with its first message if there is one",
  request: { params: inNamespace, headers: idempotency, body: jsonBody(threadWish) },
  responses: { 200: jsonAnswer("The thread of this key, which was there.", opened), 201: jsonAnswer("The new thread.", opened), ...orProblem },
});
const list = createRoute({
  method: "get", path: "/v1/namespaces/{namespace}/threads", operationId: "listThreads", summary: "Threads that the caller may see, newest first",
  request: { params: inNamespace, query: threadsPage }, responses: { 200: jsonAnswer("A page of threads.", threadList), ...orProblem },
});
const read = createRoute({
  method: "get", path: "/v1/namespaces/{namespace}/threads/{thread}", operationId: "readThread", summary: "One thread",
  request: { params: ofThread }, responses: { 200: jsonAnswer("The thread.", threadView), ...orProblem },
});
const remove = createRoute({
  method: "delete", path: "/v1/namespaces/{namespace}/threads/{thread}", operationId: "deleteThread",
  summary: "Delete a thread with its instance; volumes as their retention says",
  request: { params: ofThread }, responses: { 204: empty("It is being deleted."), ...orProblem },
});
const stop = createRoute({
  method: "post", path: "/v1/namespaces/{namespace}/threads/{thread}/stop", operationId: "stopThread",
  summary: "Stop the instance that runs now; the next message starts another",
  request: { params: ofThread }, responses: { 202: empty("It is asked to stop."), ...orProblem },
});
const listParticipants = createRoute({
  method: "get", path: "/v1/namespaces/{namespace}/threads/{thread}/participants", operationId: "listParticipants", summary: "Who is related to a thread",
  request: { params: ofThread }, responses: { 200: jsonAnswer("The relations.", relationList), ...orProblem },
});
const addParticipant = createRoute({
  method: "put", path: "/v1/namespaces/{namespace}/threads/{thread}/participants/{relation}/{subject}", operationId: "addParticipant",
  summary: "Relate a subject to a thread",
  request: { params: ofParticipant }, responses: { 204: empty("The relation is there."), ...orProblem },
});
const removeParticipant = createRoute({
  method: "delete", path: "/v1/namespaces/{namespace}/threads/{thread}/participants/{relation}/{subject}", operationId: "removeParticipant",
  summary: "End a relation to a thread; everybody may end their own",
  request: { params: ofParticipant }, responses: { 204: empty("The relation is not there."), ...orProblem },
});

export function threadRoutes(api: Api, parts: RouteParts): void {
  api.openapi(open, async (context) => {
    const { namespace } = context.req.valid("param");
    const { agent: name, title, message, grants } = context.req.valid("json");
    const person = personOf(context);
    const { agent, allowed } = await requireAgent(parts, person, { namespace, name }, { action: "agent.open", ...(grants === undefined ? {} : { grants }) });
    const { thread, row, isNew } = await openThread(parts, {
      namespace, agent: agent.metadata.name, title, user: person.name, parent: null, chain: [], grants: allowed.grants, allowance: null, chainAllowances: [],
      message: message === undefined ? null : { body: message, sender: { role: "user", name: person.name } },
      scope: keyScope(person), key: context.req.valid("header")["idempotency-key"] ?? null,
    });
    return context.json({ thread: viewOfThread(thread, row.createdAtMs, await parts.store.demand(row.uid)), isNew }, isNew ? 201 : 200);
  });
  api.openapi(list, async (context) => {
    const { agent, limit, after } = context.req.valid("query");
    return context.json(await listThreads(parts, personOf(context), { namespace: context.req.valid("param").namespace, agent, limit, after }), 200);
  });
  api.openapi(read, async (context) => {
    const { namespace, thread: name } = context.req.valid("param");
    const { thread, row } = await requireThread(parts, personOf(context), { namespace, name }, { action: "thread.see" });
    return context.json(viewOfThread(thread, row.createdAtMs, await parts.store.demand(row.uid)), 200);
  });
  api.openapi(remove, async (context) => {
    const { namespace, thread: name } = context.req.valid("param");
    await deleteThread(parts, await requireThread(parts, personOf(context), { namespace, name }, { action: "thread.delete" }));
    return context.body(null, 204);
  });
  api.openapi(stop, async (context) => {
    const { namespace, thread: name } = context.req.valid("param");
    await stopThread(parts, await requireThread(parts, personOf(context), { namespace, name }, { action: "thread.stop" }));
    return context.body(null, 202);
  });
  participantRoutes(api, parts);
}

function participantRoutes(api: Api, parts: RouteParts): void {
  api.openapi(listParticipants, async (context) => {
    const { namespace, thread: name } = context.req.valid("param");
    const { row } = await requireThread(parts, personOf(context), { namespace, name }, { action: "thread.see" });
    return context.json({ relations: (await parts.store.relations("thread", row.uid)).map(viewOfRelation) }, 200);
  });
  api.openapi(addParticipant, async (context) => {
    const { namespace, thread: name, relation, subject } = context.req.valid("param");
    const ask = { action: "thread.share", change: { relation, subject, remove: false } } as const;
    const { row } = await requireThread(parts, personOf(context), { namespace, name }, ask);
    await parts.store.relate({ objectKind: "thread", object: row.uid, relation, subject });
    return context.body(null, 204);
  });
  api.openapi(removeParticipant, async (context) => {
    const { namespace, thread: name, relation, subject } = context.req.valid("param");
    const ask = { action: "thread.share", change: { relation, subject, remove: true } } as const;
    const { row } = await requireThread(parts, personOf(context), { namespace, name }, ask);
    await parts.store.unrelate({ objectKind: "thread", object: row.uid, relation, subject });
    return context.body(null, 204);
  });
}
