import { JsonFault, readClearJson } from "../../common/json/clear-json.ts";
import { EgressError } from "../errors.ts";
import type { McpReading } from "../model/readings.ts";
import type { RequestHead } from "../model/request.ts";
import { isObject, type JsonObject } from "./exact-json.ts";
import type { McpRead } from "./mcp.ts";
import { eraOf, HeaderMismatch, requireAgreement } from "./request-headers.ts";
import { readMessage } from "./request-message.ts";

/** More in one body is no batch of anybody. */
const BATCH_LIMIT = 100;

/** Rules that refusals name; `mcp.headers` is said with the code of the protocol for it. */
export const MALFORMED_RULE = "mcp.malformed";
export const HEADERS_RULE = "mcp.headers";

/** Reads the messages of a request body. @throws EgressError `request.malformed`; see `Mcp.read` */
export function readRequest({ headers }: RequestHead, body: Buffer): McpRead {
  const messages = messagesOf(body);
  if (typeof messages === "string") return { kind: "none", why: messages };
  try {
    const era = eraOf(headers, messages);
    if (messages.length > BATCH_LIMIT) throw malformed(`a batch of more than ${BATCH_LIMIT} messages`);
    if (era === "stateless" && messages.length > 1) throw malformed("a batch, which this revision of the protocol does not have");
    return { kind: "read", readings: messages.map((message) => readOne(headers, message, era)) };
  } catch (error) {
    if (error instanceof HeaderMismatch) throw malformed(error.message, HEADERS_RULE);
    throw error;
  }
}

function readOne(headers: RequestHead["headers"], message: JsonObject, era: McpReading["era"]): McpReading {
  const reading = readMessage(message, era);
  if (reading === null) throw malformed("a message that is not well-formed");
  requireAgreement(headers, message, reading);
  return reading;
}

/** @returns why there are none, if this is something else @throws EgressError `request.malformed` for a name twice */
function messagesOf(body: Buffer): readonly JsonObject[] | string {
  if (body.byteLength === 0) return "there is no body";
  let value: unknown;
  try {
    value = readClearJson(body, { isCaseIgnored: true }).value;
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    if (error.kind !== "no-json") throw malformed(error.message);
    return "it is no JSON";
  }
  const messages: readonly unknown[] = Array.isArray(value) ? value : [value];
  const isAny = messages.some((message) => isObject(message) && message["jsonrpc"] === "2.0");
  if (!isAny) return "it is no JSON-RPC 2.0";
  if (!messages.every(isObject)) throw malformed("a batch in which something is no message");
  return messages;
}

function malformed(reason: string, rule = MALFORMED_RULE): EgressError {
  return new EgressError("request.malformed", reason, {
    explanation: { rule, reason: `A message of the Model Context Protocol that cannot be read in one way only: ${reason}.`, hint: "Send it as the protocol's specification has it." },
  });
}
