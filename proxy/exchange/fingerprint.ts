import { createHash, hash } from "node:crypto";
import { hasMembers, parseExactly } from "../../common/json/exact-json.ts";
import type { AgentIdentity } from "../model/agent.ts";
import type { BodyReadings } from "../model/readings.ts";
import type { RequestHead } from "../model/request.ts";

/** Fields that differ from try to try of the same request, or say nothing of what it does. Every other one makes it another request. */
const VOLATILE = new Set([
  "user-agent", "accept-encoding", "date", "age", "traceparent", "tracestate", "baggage", "x-request-id", "x-correlation-id", "idempotency-key", "last-event-id",
  "x-stainless-retry-count", "x-amz-date", "x-amz-content-sha256", "amz-sdk-invocation-id", "amz-sdk-request", "x-goog-api-client",
]);

/** What a request is as it will be sent. */
export interface Fingerprinted {
  readonly agent: Pick<AgentIdentity, "namespace" | "name" | "thread">;
  readonly rule: string;
  readonly head: RequestHead;
  /** Null where it was not read. `text` is the body without its content coding. */
  readonly read: { readonly text: Buffer; readonly parts: readonly BodyReadings[] } | null;
}

/**
 * SHA-256 (hex) over what makes a request the same as another: whose it is, the rule that asks, method, destination, path, query, fields and body.
 * A body counts by its bytes, messages of MCP by all that stands in them but the id and the token of progress, which differ from try to try. Of a body that
 * was not read only the length counts.
 */
export function fingerprintOf({ agent, rule, head, read }: Fingerprinted): string {
  const { method, scheme, host, port, path, query, upgrade, framing } = head;
  const fields = head.headers.filter(([name]) => !VOLATILE.has(name)).map(([name, value]) => [name, value]).sort(byText);
  const what = [2, agent.namespace, agent.name, agent.thread, rule, method, scheme, host, port, path, query, upgrade, fields, read === null ? framing : bodyOf(read)];
  return hash("sha256", JSON.stringify(what), "hex");
}

function bodyOf({ text, parts }: NonNullable<Fingerprinted["read"]>): string {
  const isMcp = text.byteLength > 0 && parts.length > 0 && parts.every(({ mcp }) => mcp !== undefined);
  return createHash("sha256").update(isMcp ? `mcp ${JSON.stringify(messagesOf(parseExactly(text.toString("utf8"))))}` : text).digest("hex");
}

function messagesOf(value: unknown): unknown {
  return Array.isArray(value) ? value.map(ofMessage) : ofMessage(value);
}

/** An answer keeps its id: it says which question of the server is answered. */
function ofMessage(message: unknown): unknown {
  if (!hasMembers(message) || typeof message["method"] !== "string") return message;
  const { id: _id, params, ...others } = message;
  return params === undefined ? others : { ...others, params: withoutToken(params) };
}

function withoutToken(params: unknown): unknown {
  if (!hasMembers(params) || !hasMembers(params["_meta"])) return params;
  const { progressToken: _token, ...meta } = params["_meta"];
  return { ...params, _meta: meta };
}

function byText(one: readonly string[], other: readonly string[]): number {
  const [a, b] = [one.join("\0"), other.join("\0")];
  return a < b ? -1 : a > b ? 1 : 0;
}
