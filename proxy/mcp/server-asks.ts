import { EgressError } from "../errors.ts";
import type { Deny } from "../model/decision.ts";
import type { McpReading } from "../model/readings.ts";
import type { AskMcp } from "./mcp.ts";
import type { McpEra } from "./request-message.ts";
import { isObject, type JsonObject } from "./exact-json.ts";

/** What a server may ask at once, in one result. */
const ASKS_LIMIT = 100;

/** What a server asks of the agent (`sampling/createMessage`, `elicitation/create`, `roots/list`), as policy sees it. */
export function fromServer(message: JsonObject, era: McpEra): McpReading {
  const { method } = message;
  if (typeof method !== "string" || method === "" || method.length > 200) throw new EgressError("upstream.malformed", "a request of the server without a method");
  return { era, direction: "from_server", kind: "request", method, tool: null, arguments: null, prompt: null, uri: null, is_listing: false };
}

/** The requests in a result that needs more of the agent first (MCP 2026-07-28, "Multi Round-Trip Requests"). @throws EgressError `upstream.malformed` */
export function asksIn(result: JsonObject): readonly JsonObject[] {
  const asks = result["inputRequests"];
  if (asks === undefined) return [];
  if (!isObject(asks)) throw new EgressError("upstream.malformed", "inputRequests that are none");
  const all = Object.values(asks);
  if (all.length > ASKS_LIMIT || !all.every(isObject)) throw new EgressError("upstream.malformed", "inputRequests that are none, or too many");
  return all;
}

export interface DeniedAsk {
  readonly method: string;
  readonly deny: Deny;
}

/** @returns the first that policy denies, or null */
export async function firstDenied(asks: readonly JsonObject[], era: McpEra, ask: AskMcp): Promise<DeniedAsk | null> {
  for (const message of asks) {
    const reading = fromServer(message, era);
    const decision = await ask(reading);
    if (decision !== "allow") return { method: reading.method ?? "", deny: decision };
  }
  return null;
}

/** An agent's library answers this by itself with "method not found", by which the server learns that it is not asked. */
export const WITHHELD_METHOD = "weir/withheld";

/** What the agent gets in place of a request that policy denies: nothing of it but its id. */
export function withheld(id: unknown): object {
  return { jsonrpc: "2.0", id, method: WITHHELD_METHOD };
}

/** What the agent is told where its own request cannot be answered without one that policy denies. */
export function refusalOfAsk({ method, deny: { rule, reason, hint } }: DeniedAsk): EgressError {
  return new EgressError("policy.denied", reason, { explanation: { rule, reason: `to answer, the server asks for ${method}, and that is not allowed: ${reason}`, hint } });
}
