import { setImmediate as nextTurn } from "node:timers/promises";
import { EgressError } from "../errors.ts";
import type { McpReading } from "../model/readings.ts";
import type { AskMcp } from "./mcp.ts";
import { isClearUri, isToolName, type McpEra } from "./request-message.ts";
import { isObject, type JsonObject } from "./exact-json.ts";

/** A list that a server gives: where it stands in a result, what identifies an entry, and what would be asked of the server to use one. */
interface ListKind {
  readonly member: "tools" | "prompts" | "resources" | "resourceTemplates";
  readonly key: "name" | "uri" | "uriTemplate";
  readonly use: "tools/call" | "prompts/get" | "resources/read";
}

const LISTS: Readonly<Record<string, ListKind>> = {
  "tools/list": { member: "tools", key: "name", use: "tools/call" },
  "prompts/list": { member: "prompts", key: "name", use: "prompts/get" },
  "resources/list": { member: "resources", key: "uri", use: "resources/read" },
  "resources/templates/list": { member: "resourceTemplates", key: "uriTemplate", use: "resources/read" },
};

/** So many entries are asked about before others have their turn. */
const TURN_ENTRIES = 32;

/** The method of the request that an answer is to; null where nobody here saw it, as in the stream of a session that was resumed. */
export type Asked = string | null;

function isList(method: string): boolean {
  return Object.hasOwn(LISTS, method);
}

/**
 * The lists in a result, to be filtered: whatever looks like one, to whichever request this is the answer. A list must not pass because it came by another
 * way, or because two readers do not agree on what was asked.
 * @throws EgressError `upstream.malformed` for the answer to a request for a list that holds none
 */
export function listsIn(result: JsonObject, method: Asked): readonly ListKind[] {
  const found = Object.values(LISTS).filter(({ member }) => Array.isArray(result[member]));
  const asked = method !== null && isList(method) ? LISTS[method] : undefined;
  if (asked !== undefined && !found.includes(asked) && result["resultType"] !== "input_required") throw new EgressError("upstream.malformed", `the answer to ${method} holds no list`);
  return found;
}

interface Asking {
  readonly era: McpEra;
  readonly ask: AskMcp;
  /** Of entries. */
  readonly limit: number;
}

/** Which entries stay, in order. What no call could name is not shown either. @throws EgressError `upstream.malformed` for an entry that cannot be told from others */
export async function visible(result: JsonObject, { member, key, use }: ListKind, { era, ask, limit }: Asking): Promise<readonly boolean[]> {
  const entries = result[member] as readonly unknown[];
  if (entries.length > limit) throw new EgressError("upstream.malformed", `a list of more than ${limit} entries (mcp.listEntries)`);
  const stays: boolean[] = [];
  for (const [at, entry] of entries.entries()) {
    // Other agents must not wait until policy has answered a thousand times.
    if (at % TURN_ENTRIES === TURN_ENTRIES - 1) await nextTurn();
    const name = isObject(entry) ? entry[key] : undefined;
    if (typeof name !== "string" || name === "") throw new EgressError("upstream.malformed", `an entry of a list without ${key}`);
    stays.push(isCallable(use, name) && await ask(listing(use, name, era)) === "allow");
  }
  return stays;
}

function isCallable(use: ListKind["use"], name: string): boolean {
  if (use === "tools/call") return isToolName(name);
  return use !== "resources/read" || isClearUri(name);
}

function listing(use: ListKind["use"], name: string, era: McpEra): McpReading {
  return {
    era, direction: "to_server", kind: "request", method: use, arguments: null, is_listing: true,
    tool: use === "tools/call" ? name : null, prompt: use === "prompts/get" ? name : null, uri: use === "resources/read" ? name : null,
  };
}
