import { JsonFault, readClearJson } from "../../common/json/clear-json.ts";
import { EgressError } from "../errors.ts";
import type { McpReading } from "../model/readings.ts";
import type { RequestHead } from "../model/request.ts";
import { WrittenIds } from "./asked.ts";
import type { JsonObject } from "./exact-json.ts";
import { furtherReadings } from "./further-readings.ts";
import type { McpRead } from "./mcp.ts";
import { messagesIn, methodsOf, requestsIn, type Messages } from "./messages.ts";
import { eraOf, HeaderMismatch, requireAgreement } from "./request-headers.ts";
import { readMessage } from "./request-message.ts";

/** More in one body is no batch of anybody. */
const BATCH_LIMIT = 100;
/** Policy is asked about each. */
const READINGS_LIMIT = 2 * BATCH_LIMIT;

/** Rules that refusals name; `mcp.headers` is said with the code of the protocol for it. */
export const MALFORMED_RULE = "mcp.malformed";
export const HEADERS_RULE = "mcp.headers";

/** Reads the messages of a request body. @throws EgressError `request.malformed`; see `Mcp.read` */
export function readRequest({ headers }: RequestHead, body: Buffer): McpRead {
  if (body.byteLength === 0) return { kind: "none", why: "there is no body" };
  const ids = new WrittenIds(body);
  const json = parse(body, ids);
  if (json === null) return { kind: "none", why: "it is no JSON" };
  const messages = messagesIn(json.value);
  if (messages.all.length === 0) return { kind: "none", why: "it is no JSON-RPC 2.0" };
  try {
    const era = eraOf(headers, messages.all);
    requireBatch(messages, era);
    const readings = messages.all.flatMap((message) => readOne(headers, message, era));
    if (readings.length > READINGS_LIMIT) throw malformed(`messages that name more than ${READINGS_LIMIT} things`);
    const requests = requestsIn({ ...messages, all: ids.exact(messages.all) });
    return { kind: "read", readings, asked: { era, isBatch: messages.isBatch, requests } };
  } catch (error) {
    if (error instanceof HeaderMismatch) throw malformed(error.message, HEADERS_RULE);
    throw error;
  }
}

/** @throws EgressError `request.malformed` for several messages that are no batch of this era, or whose answers nobody could tell apart */
function requireBatch(messages: Messages, era: McpReading["era"]): void {
  const { all, hasStrays } = messages;
  if (hasStrays) throw malformed("a batch in which something is no message");
  if (all.length > BATCH_LIMIT) throw malformed(`a batch of more than ${BATCH_LIMIT} messages`);
  if (era === "stateless" && all.length > 1) throw malformed("a batch, which this revision of the protocol does not have");
  const requests = requestsIn(messages);
  if (methodsOf(requests).size < requests.length) throw malformed("a batch with two requests of one id");
}

function readOne(headers: RequestHead["headers"], message: JsonObject, era: McpReading["era"]): readonly McpReading[] {
  const reading = readMessage(message, era);
  if (reading === null) throw malformed("a message that is not well-formed");
  requireAgreement(headers, message, reading);
  const further = furtherReadings(reading, message);
  if (further === null) throw malformed("a message that is not well-formed");
  return [reading, ...further];
}

/** @returns null if this is no JSON @throws EgressError `request.malformed` for what two readers make different things of */
function parse(body: Buffer, { note }: WrittenIds): { readonly value: unknown } | null {
  try {
    return readClearJson(body, { isDecidedBy: true, isLoose, onKey: note });
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    if (error.kind !== "no-json") throw malformed(error.message);
    return null;
  }
}

/** Numbers that only name a message: they go on as they were written, and no rule is about them. Arguments stand deeper. */
const NAMING = new Set(["id", "requestId", "progressToken"]);
const NAMING_DEPTH = 2;

function isLoose(key: string, depth: number): boolean {
  return depth <= NAMING_DEPTH && NAMING.has(key);
}

function malformed(reason: string, rule = MALFORMED_RULE): EgressError {
  return new EgressError("request.malformed", reason, {
    explanation: { rule, reason: `A message of the Model Context Protocol that cannot be read in one way only: ${reason}.`, hint: "Send it as the protocol's specification has it." },
  });
}
