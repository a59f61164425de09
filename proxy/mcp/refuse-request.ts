import { ERROR_TABLE, type EgressError } from "../errors.ts";
import type { McpAsked } from "../model/mcp-asked.ts";
import type { HeaderList, RequestHead } from "../model/request.ts";
import type { McpConfig } from "./config.ts";
import type { EndpointStreams } from "./endpoint-streams.ts";
import { eventOf } from "./event-stream.ts";
import type { McpExchange, McpRefusal } from "./mcp.ts";
import { errorObject, refusedMessage } from "./refused-message.ts";

/** What a refusal takes: whose it is, and what is the same for every refusal of a proxy. */
export interface RefusalContext extends McpExchange {
  readonly config: McpConfig;
  readonly streams: EndpointStreams;
}

/**
 * A refusal as an MCP client reads it. A client library gives up its session where it reads 403, so that what is refused is told as an answer: 200, by the
 * id. Where nobody waits for an answer (notifications, responses), it is the status that says it (MCP 2025-03-26, "Sending Messages to the Server"); and
 * what failed, or cannot be read, has the status that it has for others.
 */
export function refuseRequest(head: RequestHead, { era, isBatch, requests }: McpAsked, error: EgressError, { instance, requestId, config, streams }: RefusalContext): McpRefusal {
  const answers = requests.map((request) => refusedMessage({ ...request, era }, error, requestId, config));
  const isAnswered = error.outcome === "denied" && error.code !== "request.malformed" && answers.length > 0;
  const { status } = ERROR_TABLE[error.code];
  if (!isAnswered) return asJson(status, answers[0] ?? { jsonrpc: "2.0", id: null, error: errorObject(error, requestId) });
  const said = isBatch ? answers : answers[0] as object;
  const stream = streams.of(instance, head);
  if (stream !== null) return stream(Buffer.concat(answers.map(eventOf))) ? ACCEPTED : asJson(status, said);
  return acceptsEventsOnly(head.headers) ? { status: 200, headers: [["content-type", "text/event-stream"]], body: eventOf(said) } : asJson(200, said);
}

/** Answers of a session over HTTP with SSE (2024-11-05) come in its stream, one event each; in one that is not read they would only fill our memory. */
const ACCEPTED: McpRefusal = { status: 202, headers: [["content-type", "text/plain"]], body: Buffer.from("Accepted") };

function asJson(status: number, said: object): McpRefusal {
  return { status, headers: [["content-type", "application/json"]], body: Buffer.from(JSON.stringify(said)) };
}

function acceptsEventsOnly(headers: HeaderList): boolean {
  const accepted = headers.filter(([name]) => name === "accept").map(([, value]) => value.toLowerCase()).join(",");
  return accepted.includes("text/event-stream") && !accepted.includes("json") && !accepted.includes("*/*");
}
