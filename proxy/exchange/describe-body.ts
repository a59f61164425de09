import { hasMembers, parseExactly } from "../../common/json/exact-json.ts";
import { hideInText, hideSecrets } from "./hide-secrets.ts";

/** Of a message of JSON-RPC, what is said by its first line, or says nothing of what it does. */
const ENVELOPE = new Set(["jsonrpc", "id", "method", "params"]);
/** What the first line of a message names: the tool or prompt, the resource. */
const NAMES = ["name", "uri"] as const;

/**
 * A JSON body whole, a line for each member: what stands there is what is sent, numbers as they were written. A list is a batch, part by part.
 * @param text that was read as JSON before
 * @param isMcp true where each part is a message of the Model Context Protocol
 */
export function describeBody(text: Buffer, isMcp: boolean): string[] {
  const value = parseExactly(text.toString("utf8"));
  if (!Array.isArray(value)) return isMcp ? describeMessage(value) : describeValue(value);
  return value.flatMap((part, at) => (isMcp ? describeMessage(part) : describeValue(part)).map((line) => `${at + 1} of ${value.length}: ${line}`));
}

function describeValue(value: unknown): string[] {
  return hasMembers(value) ? members("", value) : [`JSON: ${JSON.stringify(hideSecrets(value, ""))}`];
}

function describeMessage(message: unknown): string[] {
  if (!hasMembers(message)) return describeValue(message);
  const { method, params } = message;
  const named = hasMembers(params) ? NAMES.find((name) => typeof params[name] === "string") : undefined;
  const about = named === undefined || !hasMembers(params) ? "" : ` ${quotedIfOdd(String(params[named]))}`;
  return [
    typeof method === "string" ? `MCP: ${quotedIfOdd(method)}${about}` : "MCP: response",
    ...(hasMembers(params) ? describeParams(params, named) : params === undefined ? [] : members("", { params })),
    ...members("message ", without(message, ENVELOPE)),
  ];
}

/** The arguments by their own names; what else there is says that it is none of them. */
function describeParams(params: Readonly<Record<string, unknown>>, named: string | undefined): string[] {
  const { arguments: given, ...others } = params;
  const args = hasMembers(given) ? members("", given) : given === undefined ? [] : members("params ", { arguments: given });
  return [...args, ...members("params ", without(withoutToken(others), new Set(named === undefined ? [] : [named])))];
}

/** A token by which progress is told differs from try to try. */
function withoutToken(params: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { _meta: meta, ...others } = params;
  if (!hasMembers(meta)) return params;
  const rest = without(meta, new Set(["progressToken"]));
  return Object.keys(rest).length === 0 ? others : { ...others, _meta: rest };
}

/** Keys are quoted: no key looks like a member and its value. */
function members(before: string, value: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(value).map(([name, one]) => `  ${before}${JSON.stringify(hideInText(name))} = ${JSON.stringify(hideSecrets(one, name))}`);
}

function without(value: Readonly<Record<string, unknown>>, names: ReadonlySet<string>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.has(name)));
}

/** Names as people write them stand as they are. */
function quotedIfOdd(name: string): string {
  return /^[\w./:@$-]{1,200}$/.test(name) ? name : JSON.stringify(hideInText(name));
}
