import { isUtf8 } from "node:buffer";
import type { McpReading } from "../model/readings.ts";
import type { HeaderList } from "../model/request.ts";
import { isObject, type JsonObject } from "./exact-json.ts";
import type { McpEra } from "./request-message.ts";

/** The first revision without sessions (https://modelcontextprotocol.io/specification/2026-07-28). Revisions are dates, and compare as text. */
const FIRST_STATELESS = "2026-07-28";
const REVISION = /^\d{4}-\d{2}-\d{2}$/;
const CLAIM = "io.modelcontextprotocol/protocolVersion";

/** The member of `params` that `Mcp-Name` repeats, by method (MCP 2026-07-28, "Standard Request Headers"; of tasks: their extension). */
const NAME_SOURCE: Readonly<Record<string, string>> = {
  "tools/call": "name", "prompts/get": "name", "resources/read": "uri", "tasks/get": "taskId", "tasks/update": "taskId", "tasks/cancel": "taskId",
};
const PARAM_PREFIX = "mcp-param-";
const VALUES_LIMIT = 10_000;

/** The headers say something else than the body, or lack what they must say. */
export class HeaderMismatch extends Error {
  override readonly name = "HeaderMismatch";
}

/** The era that header and body agree on. @throws HeaderMismatch */
export function eraOf(headers: HeaderList, messages: readonly JsonObject[]): McpEra {
  const named = only(headers, "mcp-protocol-version");
  const claims = new Set(messages.map(claimOf).filter((claim) => claim !== null));
  if (claims.size > 1) throw new HeaderMismatch("the messages of this body name several revisions of the protocol");
  const [claimed = null] = claims;
  const era = [claimed, named].some((revision) => revision !== null && isStateless(revision)) ? "stateless" : "session";
  if (named !== null && claimed !== null && named !== claimed) throw new HeaderMismatch("MCP-Protocol-Version names another revision than the body");
  if (era === "stateless" && named === null) throw new HeaderMismatch("the body names a revision that MCP-Protocol-Version has to name too");
  return era;
}

/** The same for answers, where nothing depends on it but their shape. */
export function likelyEra(headers: HeaderList, messages: readonly JsonObject[]): McpEra {
  try {
    return eraOf(headers, messages);
  } catch {
    return "session";
  }
}

/**
 * Compares what headers repeat of a message with the message: gateways and servers may route by them. Of the stateless era they are required; where an
 * older client sends them, they must be right as well.
 * @throws HeaderMismatch
 */
export function requireAgreement(headers: HeaderList, message: JsonObject, { era, kind, method }: McpReading): void {
  const isRequired = era === "stateless" && kind === "request";
  const params = isObject(message["params"]) ? message["params"] : {};
  requireSame(only(headers, "mcp-method"), method, { header: "Mcp-Method", isRequired });
  const source = method !== null && Object.hasOwn(NAME_SOURCE, method) ? NAME_SOURCE[method] : undefined;
  const named = source === undefined ? null : params[source];
  const name = only(headers, "mcp-name");
  // What repeats nothing of this message can be about nothing of it.
  if (source === undefined && name !== null) throw new HeaderMismatch("Mcp-Name names something, and the message does not");
  requireSame(name === null ? null : unwrapped(name, "Mcp-Name"), typeof named === "string" ? named : null, { header: "Mcp-Name", isRequired: isRequired && typeof named === "string" });
  requireParams(headers, params["arguments"]);
}

function requireSame(said: string | null, meant: string | null, { header, isRequired }: { readonly header: string; readonly isRequired: boolean }): void {
  if (said === null && isRequired) throw new HeaderMismatch(`${header} is missing`);
  if (said !== null && said !== meant) throw new HeaderMismatch(`${header} and the body do not agree`);
}

/** Which argument a header repeats is said by the schema of the tool, which is not known here: it has to be one of those that were sent. */
function requireParams(headers: HeaderList, values: unknown): void {
  const names = headers.map(([name]) => name).filter((name) => name.startsWith(PARAM_PREFIX));
  if (names.length === 0) return;
  if (new Set(names).size !== names.length) throw new HeaderMismatch("an Mcp-Param header occurs twice");
  const sent = new Set<string>();
  addScalars(values, sent);
  for (const [name, value] of headers) {
    if (name.startsWith(PARAM_PREFIX) && !sent.has(comparable(unwrapped(value, "Mcp-Param")))) throw new HeaderMismatch("an Mcp-Param header repeats no argument of the call");
  }
}

function addScalars(value: unknown, into: Set<string>): void {
  if (into.size > VALUES_LIMIT) throw new HeaderMismatch(`Mcp-Param headers beside more than ${VALUES_LIMIT} arguments`);
  if (typeof value === "string" || typeof value === "boolean" || typeof value === "number") into.add(comparable(String(value)));
  else if (typeof value === "object" && value !== null) for (const inner of Object.values(value)) addScalars(inner, into);
}

/** `42.0` and `42` are one number. */
function comparable(text: string): string {
  return /^-?\d+(?:\.\d+)?$/.test(text) ? `${Number(text)}` : text;
}

const SENTINEL = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/;

/** A value as it was before it was made fit for a header. @throws HeaderMismatch for a sentinel around anything but base64 of UTF-8 */
function unwrapped(value: string, header: string): string {
  if (!(value.startsWith("=?base64?") && value.endsWith("?="))) return value;
  const encoded = SENTINEL.exec(value)?.[1];
  const bytes = Buffer.from(encoded ?? "", "base64");
  if (encoded === undefined || bytes.toString("base64") !== encoded || !isUtf8(bytes)) throw new HeaderMismatch(`${header} holds no valid base64`);
  return bytes.toString("utf8");
}

function claimOf(message: JsonObject): string | null {
  const params = message["params"];
  const meta = isObject(params) ? params["_meta"] : undefined;
  const claim = isObject(meta) ? meta[CLAIM] : undefined;
  if (claim === undefined) return null;
  if (typeof claim !== "string" || !REVISION.test(claim)) throw new HeaderMismatch("the body names no revision of the protocol where it says that it does");
  return claim;
}

function isStateless(revision: string): boolean {
  return REVISION.test(revision) && revision >= FIRST_STATELESS;
}

/** The value of a field that must not occur twice. @throws HeaderMismatch */
function only(headers: HeaderList, name: string): string | null {
  const values = headers.filter(([field]) => field === name).map(([, value]) => value);
  if (values.length > 1) throw new HeaderMismatch(`${name} occurs ${values.length} times`);
  return values[0]?.trim() ?? null;
}
