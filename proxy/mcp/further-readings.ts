import * as z from "zod";
import type { McpReading } from "../model/readings.ts";
import { isObject, type JsonObject } from "./exact-json.ts";
import { areNamesPlain, blankReading, named, readNames, uri, type McpEra } from "./request-message.ts";

/** What one message may name besides what its method is for; more is no request of anybody. */
const NAMED_LIMIT = 100;

/** MCP 2025-11-25 and 2026-07-28, "Completion"; a reader may look at either name, whatever the type. */
const completion = z.object({ ref: z.object({ type: z.enum(["ref/prompt", "ref/resource"]), name: named.optional(), uri: uri.optional() }) });
/** MCP 2026-07-28, "Subscriptions". */
const listen = z.object({ notifications: z.object({ resourceSubscriptions: z.array(uri).max(NAMED_LIMIT).optional() }).optional() });
const OF_REFERENCE = readNames("type", "name", "uri");
const OF_FILTER = readNames("resourceSubscriptions");
const inputResponses = z.custom<Readonly<Record<string, JsonObject>>>((given) => isObject(given) && Object.keys(given).length <= NAMED_LIMIT && Object.values(given).every(isObject));

/** By the members of a result: what an agent that gives it was asked for (MCP 2025-11-25, "Client Features"). */
const ASKED_FOR: Readonly<Record<string, string>> = {
  action: "elicitation/create", role: "sampling/createMessage", model: "sampling/createMessage", roots: "roots/list",
  task: "tasks/get", taskId: "tasks/get", tasks: "tasks/list",
};
/** The method that policy is asked about where nothing tells. */
const UNKNOWN = "unknown";

/**
 * What a message does beyond what its method says, as if it were asked for by itself: the prompt or resource whose values are completed, each resource that
 * is subscribed to, and what the server would have asked for, where the agent answers it. Unasked answers are the ones that matter: a server may take them.
 * @returns null if this is no well-formed message
 */
export function furtherReadings({ era, method }: McpReading, message: JsonObject): readonly McpReading[] | null {
  if (isObject(message["result"])) return answers([message["result"]], era);
  const params = isObject(message["params"]) ? message["params"] : {};
  const about = method === "completion/complete" ? completed(params, era) : method === "subscriptions/listen" ? listenedTo(params, era) : [];
  const given = inputResponses.optional().safeParse(params["inputResponses"]);
  if (about === null || !given.success) return null;
  return [...about, ...answers(Object.values(given.data ?? {}), era)];
}

/** Whether it may be used at all: what it would be used with is not known. */
function completed(params: JsonObject, era: McpEra): readonly McpReading[] | null {
  const { success, data } = completion.safeParse(params);
  if (!success || !areNamesPlain(params["ref"] as JsonObject, OF_REFERENCE)) return null;
  const { name, uri: template } = data.ref;
  const blank = { ...blankReading(era), is_listing: true };
  const about: readonly McpReading[] = [
    ...(name === undefined ? [] : [{ ...blank, method: "prompts/get", prompt: name }]),
    ...(template === undefined ? [] : [{ ...blank, method: "resources/read", uri: template }]),
  ];
  return about.length === 0 ? null : about;
}

function listenedTo(params: JsonObject, era: McpEra): readonly McpReading[] | null {
  const { success, data } = listen.safeParse(params);
  if (!success || !areNamesPlain((params["notifications"] ?? {}) as JsonObject, OF_FILTER)) return null;
  const resources = new Set(data.notifications?.resourceSubscriptions);
  return [...resources].map((resource) => ({ ...blankReading(era), method: "resources/subscribe", uri: resource }));
}

function answers(results: readonly JsonObject[], era: McpEra): readonly McpReading[] {
  const methods = new Set(results.flatMap(askedFor));
  return [...methods].map((method) => ({ ...blankReading(era), direction: "from_server", method }));
}

/** Nothing but that the agent is there: the answer to `ping`. */
const EMPTY = new Set(["_meta", "resultType"]);

function askedFor(result: JsonObject): readonly string[] {
  const members = Object.keys(result).filter((member) => !EMPTY.has(member));
  const known = members.flatMap((member) => (Object.hasOwn(ASKED_FOR, member) ? [ASKED_FOR[member] ?? UNKNOWN] : []));
  return members.length > 0 && known.length === 0 ? [UNKNOWN] : known;
}
