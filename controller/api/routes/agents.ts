import { createRoute } from "@hono/zod-openapi";
import { personOf, type Api, type RouteParts } from "../context.ts";
import { empty, jsonAnswer, orProblem } from "../describe.ts";
import { presentAgent, requireAgent } from "../known.ts";
import { agentList, agentView, inNamespace, ofAgent, ofAgentRelation, relationList } from "../schemas.ts";
import { viewOfAgent, viewOfRelation } from "../views.ts";

const list = createRoute({
  method: "get", path: "/v1/namespaces/{namespace}/agents", operationId: "listAgents", summary: "Agents that the caller may open threads on",
  request: { params: inNamespace }, responses: { 200: jsonAnswer("The agents, by name.", agentList), ...orProblem },
});
const read = createRoute({
  method: "get", path: "/v1/namespaces/{namespace}/agents/{agent}", operationId: "readAgent", summary: "One agent",
  request: { params: ofAgent }, responses: { 200: jsonAnswer("The agent.", agentView), ...orProblem },
});
const listRelations = createRoute({
  method: "get", path: "/v1/namespaces/{namespace}/agents/{agent}/relations", operationId: "listAgentRelations", summary: "Who is related to an agent",
  request: { params: ofAgent }, responses: { 200: jsonAnswer("The relations.", relationList), ...orProblem },
});
const addRelation = createRoute({
  method: "put", path: "/v1/namespaces/{namespace}/agents/{agent}/relations/{relation}/{subject}", operationId: "addAgentRelation",
  summary: "Relate a subject to an agent",
  request: { params: ofAgentRelation }, responses: { 204: empty("The relation is there."), ...orProblem },
});
const removeRelation = createRoute({
  method: "delete", path: "/v1/namespaces/{namespace}/agents/{agent}/relations/{relation}/{subject}", operationId: "removeAgentRelation",
  summary: "End a relation to an agent",
  request: { params: ofAgentRelation }, responses: { 204: empty("The relation is not there."), ...orProblem },
});

export function agentRoutes(api: Api, parts: RouteParts): void {
  api.openapi(list, async (context) => {
    const { namespace } = context.req.valid("param");
    const person = personOf(context);
    const agents = (await parts.objects.agents(namespace)).flatMap((found) => presentAgent(found) ?? [])
      .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    const relations = await parts.store.relationsOf("agent", agents.map(({ metadata }) => `${namespace}/${metadata.name}`));
    const visible = await Promise.all(agents.map(async ({ metadata: { name }, spec: { grants } }) =>
      parts.access.allows(person, { action: "agent.see", namespace, agent: { name, grants, relations: relations.get(`${namespace}/${name}`) ?? [] } })));
    return context.json({ agents: agents.filter((_, index) => visible[index] === true).map(viewOfAgent) }, 200);
  });
  api.openapi(read, async (context) => {
    const { namespace, agent: name } = context.req.valid("param");
    const { agent } = await requireAgent(parts, personOf(context), { namespace, name }, { action: "agent.see" });
    return context.json(viewOfAgent(agent), 200);
  });
  relationRoutes(api, parts);
}

function relationRoutes(api: Api, parts: RouteParts): void {
  api.openapi(listRelations, async (context) => {
    const { namespace, agent: name } = context.req.valid("param");
    await requireAgent(parts, personOf(context), { namespace, name }, { action: "agent.configure" });
    return context.json({ relations: (await parts.store.relations("agent", `${namespace}/${name}`)).map(viewOfRelation) }, 200);
  });
  api.openapi(addRelation, async (context) => {
    const { namespace, agent: name, relation, subject } = context.req.valid("param");
    await requireAgent(parts, personOf(context), { namespace, name }, { action: "agent.configure", change: { relation, subject, remove: false } });
    await parts.store.relate({ objectKind: "agent", object: `${namespace}/${name}`, relation, subject });
    return context.body(null, 204);
  });
  api.openapi(removeRelation, async (context) => {
    const { namespace, agent: name, relation, subject } = context.req.valid("param");
    await requireAgent(parts, personOf(context), { namespace, name }, { action: "agent.configure", change: { relation, subject, remove: true } });
    await parts.store.unrelate({ objectKind: "agent", object: `${namespace}/${name}`, relation, subject });
    return context.body(null, 204);
  });
}
