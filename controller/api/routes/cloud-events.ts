import { createRoute, type z } from "@hono/zod-openapi";
import type { Person } from "../../access/access.ts";
import { messageOf, readCloudEvents, type CloudEvent } from "../cloud-event.ts";
import { personOf, type Api, type RouteParts } from "../context.ts";
import { jsonAnswer, orProblem } from "../describe.ts";
import { keyScope, messageKey } from "../keys.ts";
import { requireAgent, requireThread, type KnownThread } from "../known.ts";
import { openThread } from "../open-thread.ts";
import { ApiProblem } from "../problem.ts";
import { delivery, inNamespace } from "../schemas.ts";

type Delivered = z.output<typeof delivery>["events"][number];

/** For the document alone, hence no zod type: the events are read by their own rules, in whichever mode they come. */
const anyEvent = { description: "As CloudEvents 1.0 says; binary mode has any other content type, and `ce-` headers." };

const receive = createRoute({
  method: "post", path: "/v1/namespaces/{namespace}/cloudevents", operationId: "receiveCloudEvents",
  summary: "Post CloudEvents 1.0 (structured, batched or binary mode) to threads",
  description: "`subject` names the thread. With the extension `agent` it is a subject of the sender's own choice: all events with the same agent and subject "
    + "(without a subject: each event) share a thread of that agent, which is opened by the first. `id` and `source` together are the idempotency key. "
    + "If one event of a batch fails, the answer is that failure; the batch can be sent again whole.",
  request: {
    params: inNamespace,
    body: { content: { "application/cloudevents+json": { schema: anyEvent }, "application/cloudevents-batch+json": { schema: anyEvent } } },
  },
  responses: { 200: jsonAnswer("All events were taken.", delivery), ...orProblem },
});

export function cloudEventRoutes(api: Api, parts: RouteParts): void {
  api.openapi(receive, async (context) => {
    const person = personOf(context);
    const { namespace } = context.req.valid("param");
    const events = readCloudEvents(context.req.raw.headers, new Uint8Array(await context.req.arrayBuffer()));
    const delivered: Delivered[] = [];
    // One after another: events of a batch come to the agent in their order.
    for (const event of events) delivered.push(await deliver(parts, { person, namespace }, event));
    return context.json({ events: delivered }, 200);
  });
}

interface Delivering {
  readonly person: Person;
  readonly namespace: string;
}

async function deliver(parts: RouteParts, from: Delivering, event: CloudEvent): Promise<Delivered> {
  const body = messageOf(event);
  const { thread, row } = await threadFor(parts, from, event);
  const key = messageKey(keyScope(from.person), JSON.stringify(["cloudevent", event.source, event.id]));
  const { message, isNew } = await parts.store.post(
    row.uid, { sender: { role: "system", name: from.person.name }, isForAgent: true, body, key }, parts.clock.nowMs());
  return { source: event.source, id: event.id, thread: thread.metadata.name, message: message.id, isNew };
}

async function threadFor(parts: RouteParts, { person, namespace }: Delivering, event: CloudEvent): Promise<KnownThread> {
  if (event.agent === undefined) {
    if (event.subject === undefined) {
      const advice = { hint: "set subject to a thread, or the extension agent to an Agent" };
      throw new ApiProblem("request.unfit", `event ${event.id} says neither subject nor agent`, advice);
    }
    return requireThread(parts, person, { namespace, name: event.subject }, { action: "thread.post" });
  }
  const { agent, allowed } = await requireAgent(parts, person, { namespace, name: event.agent }, { action: "agent.open" });
  const known = await openThread(parts, {
    namespace, agent: agent.metadata.name, title: event.subject?.slice(0, 200), user: person.name,
    parent: null, chain: [], grants: allowed.grants, allowance: null, chainAllowances: [], message: null,
    scope: keyScope(person), key: JSON.stringify(event.subject === undefined ? ["cloudevent", event.source, event.id] : ["subject", event.subject]),
  });
  // The sender may have opened it and left since.
  return requireThread(parts, person, { namespace, name: known.thread.metadata.name }, { action: "thread.post" });
}
