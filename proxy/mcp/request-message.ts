import * as z from "zod";
import { foldedKey } from "../../common/json/clear-json.ts";
import type { McpReading } from "../model/readings.ts";
import { isObject, type JsonObject } from "./exact-json.ts";

/**
 * The messages that an agent sends (JSON-RPC 2.0; MCP 2024-11-05 to 2026-07-28, "Base Protocol"). Strict where a member says what is done; what a revision
 * may add to `params` passes.
 */

const ID_LENGTH = 1_024;
const NAME_LENGTH = 1_024;
const URI_LENGTH = 8_192;

/** Strings and whole numbers; never null (MCP "Requests"). */
const id = z.union([z.string().max(ID_LENGTH), z.number().refine(Number.isInteger)]);
const method = z.string().min(1).max(200);
/** Not copied, as a record is: the values are those of the message itself, and they may be many. */
const members = z.custom<JsonObject>(isObject);
const params = members;
const version = z.literal("2.0");

const request = z.strictObject({ jsonrpc: version, id, method, params: params.optional() });
const notification = z.strictObject({ jsonrpc: version, method, params: params.optional() });
const response = z.union([
  z.strictObject({ jsonrpc: version, id, result: members }),
  z.strictObject({ jsonrpc: version, id, error: z.looseObject({ code: z.number(), message: z.string() }) }),
]);

/** Letters, digits and `_ . - /` (MCP 2025-11-25, "Tool Names", and the slash of servers that group their tools). */
const TOOL_NAME = /^[A-Za-z0-9_./-]{1,128}$/;

export function isToolName(name: unknown): name is string {
  return typeof name === "string" && TOOL_NAME.test(name);
}

export const named = z.string().min(1).max(NAME_LENGTH);
/** Escapes of what nobody has to escape (RFC 3986 §2.3): letters, digits, `-`, `.` and `_`, also where they are escaped twice. */
const NEEDLESS_ESCAPE = /%(?:25)*(?:2[de]|3\d|4[1-9a-f]|5[\daf]|6[1-9a-f]|7[\da])/i;
const DOTS = /(?:^|[/\\])\.{1,2}(?:[/\\?#;]|$)/;

/** Whether every server finds the same resource by it: it leads nowhere else than it says, also where its slashes are escaped. */
export function isClearUri(text: string): boolean {
  return !NEEDLESS_ESCAPE.test(text) && !DOTS.test(text.replace(/%(?:25)*2f/gi, "/").replace(/%(?:25)*5c/gi, "\\"));
}

export const uri = z.string().min(1).max(URI_LENGTH).refine(isClearUri);
const callArguments = members.optional();
/** What is read of `params`, by method; the names of others are checked for case alone. */
const READ_PARAMS = {
  "tools/call": z.object({ name: z.string().regex(TOOL_NAME), arguments: callArguments }),
  "prompts/get": z.object({ name: named, arguments: callArguments }),
  "resources/read": z.object({ uri }),
  "resources/subscribe": z.object({ uri }),
  "resources/unsubscribe": z.object({ uri }),
} as const;

/** Of a message and of `params`. */
const KNOWN_NAMES = readNames("jsonrpc", "id", "method", "params", "result", "error", "name", "arguments", "uri", "ref", "notifications", "inputResponses", "_meta");

export type McpEra = McpReading["era"];

/** @returns what policy is asked about; null if this is no well-formed message */
export function readMessage(message: JsonObject, era: McpEra): McpReading | null {
  if (!areNamesPlain(message)) return null;
  const kind = Object.hasOwn(message, "method") ? (Object.hasOwn(message, "id") ? "request" : "notification") : "response";
  const blank: McpReading = { ...blankReading(era), kind };
  if (kind === "response") return response.safeParse(message).success ? blank : null;
  const parsed = (kind === "request" ? request : notification).safeParse(message);
  if (!parsed.success || !areNamesPlain(parsed.data.params ?? {})) return null;
  const said = readParams(parsed.data.method, parsed.data.params ?? {});
  return said === null ? null : { ...blank, method: parsed.data.method, ...said };
}

/** A request of which nothing was read yet. */
export function blankReading(era: McpEra): McpReading {
  return { era, direction: "to_server", kind: "request", method: null, tool: null, arguments: null, prompt: null, uri: null, is_listing: false };
}

type Said = Partial<Pick<McpReading, "tool" | "arguments" | "prompt" | "uri">>;

/** The values are those of the message itself, so that a name such as `__proto__` stays what it was. */
function readParams(of: string, values: JsonObject): Said | null {
  if (!isReadMethod(of)) return {};
  if (!READ_PARAMS[of].safeParse(values).success) return null;
  const given = isObject(values["arguments"]) ? values["arguments"] : null;
  if (of === "tools/call") return { tool: values["name"] as string, arguments: given };
  if (of === "prompts/get") return { prompt: values["name"] as string, arguments: given };
  return { uri: values["uri"] as string };
}

function isReadMethod(name: string): name is keyof typeof READ_PARAMS {
  return Object.hasOwn(READ_PARAMS, name);
}

/** Names that are read of an object, each by what a reader without regard for case takes it for. */
export function readNames(...names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => [foldedKey(name), name]));
}

/** Whether no name of an object would be taken for one that is read, without being it. */
export function areNamesPlain(object: JsonObject, read: ReadonlyMap<string, string> = KNOWN_NAMES): boolean {
  return Object.keys(object).every((name) => (read.get(foldedKey(name)) ?? name) === name);
}
