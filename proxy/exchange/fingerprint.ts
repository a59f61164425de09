import { createHash, hash } from "node:crypto";
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
  /** Null where it was not read. */
  readonly read: { readonly bytes: Buffer; readonly parts: readonly BodyReadings[] } | null;
}

/**
 * SHA-256 (hex) over what makes a request the same as another: whose it is, the rule that asks, method, destination, path, query, fields and body.
 * A message of MCP counts by its tool and arguments, because the id of its next try is another.
 */
export function fingerprintOf({ agent, rule, head, read }: Fingerprinted): string {
  const { method, scheme, host, port, path, query, upgrade } = head;
  const fields = head.headers.filter(([name]) => !VOLATILE.has(name)).map(([name, value]) => [name, value]).sort(byText);
  const what = [1, agent.namespace, agent.name, agent.thread, rule, method, scheme, host, port, path, query, upgrade, fields, read === null ? null : bodyOf(read)];
  return hash("sha256", JSON.stringify(what), "hex");
}

function bodyOf({ bytes, parts }: NonNullable<Fingerprinted["read"]>): unknown {
  const calls = parts.map(({ mcp }) => mcp);
  const areAllCalls = calls.length > 0 && calls.every((mcp) => mcp?.direction === "to_server" && mcp.kind === "request" && (mcp.tool ?? mcp.prompt ?? mcp.uri) !== null);
  return areAllCalls ? calls : createHash("sha256").update(bytes).digest("hex");
}

function byText(one: readonly string[], other: readonly string[]): number {
  const [a, b] = [one.join("\0"), other.join("\0")];
  return a < b ? -1 : a > b ? 1 : 0;
}
