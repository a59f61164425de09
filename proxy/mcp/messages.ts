import { doubleOf } from "../../common/json/exact-json.ts";
import type { McpRequest } from "../model/mcp-asked.ts";
import { isObject, type JsonObject } from "./exact-json.ts";

/** What a body holds: one message of JSON-RPC 2.0, or a batch. Nothing is said yet of whether they are well-formed. */
export interface Messages {
  readonly all: readonly JsonObject[];
  readonly isBatch: boolean;
  /** Something beside them is no object. */
  readonly hasStrays: boolean;
}

/** @param value a body as parsed, whichever way its numbers are held @returns none if nothing in it is a message of this protocol */
export function messagesIn(value: unknown): Messages {
  const isBatch = Array.isArray(value);
  const values: readonly unknown[] = isBatch ? value : [value];
  const all = values.filter(isObject);
  const isAny = all.some((message) => message["jsonrpc"] === "2.0");
  return { all: isAny ? all : [], isBatch, hasStrays: isAny && all.length < values.length };
}

/** Those that want an answer. */
export function requestsIn({ all }: Messages): readonly McpRequest[] {
  return all.flatMap(({ id, method }) => (typeof method === "string" && idKey(id) !== null ? [{ id, method }] : []));
}

/** The method of each request, by `idKey` of its id. */
export function methodsOf(requests: readonly McpRequest[]): ReadonlyMap<string, string> {
  return new Map(requests.map(({ id, method }) => [idKey(id) ?? "", method]));
}

/**
 * Tells ids apart as every reader does, those included that hold numbers as doubles: `1` is not `"1"`, but `9007199254740993` is `9007199254740992`.
 * @returns null for what is no id
 */
export function idKey(id: unknown): string | null {
  if (typeof id === "string") return `text ${id}`;
  const number = doubleOf(id);
  return number === null ? null : `number ${number === 0 ? 0 : number}`;
}
