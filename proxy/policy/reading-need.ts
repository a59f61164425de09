import type { GraphqlReading, LlmReading, McpReading } from "../model/readings.ts";
import type { PolicyInput } from "./policy-engine.ts";

/** Values that are written out one by one; an agent may send thousands. */
const VALUES_LIMIT = 8;
const TEXT_LIMIT = 200;
/** Texts in which `*` would stand for more than itself. */
const UNWRITABLE = /[*\0]/;
/** Without these an entry would speak of something else than the request. */
const NEEDED = ["input.git", "input.grpc", "input.llm", "input.graphql", "input.mcp.method", "input.mcp.tool", "input.mcp.prompt", "input.mcp.uri"];

/** What a request was read as, as far as it was; absent parts were not read or not kept. */
export type KeptInput = Pick<Partial<PolicyInput>, "git" | "grpc" | "llm" | "mcp" | "graphql" | "json">;

/**
 * What an entry of `data.yaml` has to say beyond method and path so that it covers this one request and as little else as can be written: names exactly,
 * arguments and JSON bodies by their values where those are recorded. What is left open is told by `opensOf`.
 * @param redacted places that are absent or shortened in the input
 * @returns null where an entry cannot say it, because a name holds `*` or is not recorded
 */
export function readingNeed({ git, grpc, llm, mcp, graphql, json }: KeptInput, redacted: readonly string[]): Record<string, unknown> | null {
  if (redacted.some((place) => NEEDED.some((needed) => isWithin(place, needed)))) return null;
  const knows = (root: string) => !redacted.some((place) => isWithin(place, root));
  const parts: [string, unknown][] = [];
  if (git !== undefined) parts.push(["git", { access: git.is_write ? "write" : "read", repositories: [git.repository] }]);
  if (grpc !== undefined) parts.push(["grpc", [`${grpc.service}/${grpc.method}`]]);
  if (llm !== undefined) parts.push(["llm", llmNeed(llm)]);
  if (mcp !== undefined) parts.push(["mcp", mcpNeed(mcp, knows("input.mcp.arguments"))]);
  if (graphql !== undefined) parts.push(["graphql", graphqlNeed(graphql)]);
  const pinned = knows("input.json") && isFields(json) ? pinnedValues(json, (key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`) : null;
  if (pinned !== null && Object.keys(pinned).length > 0) parts.push(["json", pinned]);
  return parts.some(([name, part]) => name !== "json" && hasUnwritable(part)) ? null : Object.fromEntries(parts);
}

function isWithin(place: string, root: string): boolean {
  return place === root || place.startsWith(`${root}.`) || place.startsWith(`${root}[`);
}

function llmNeed({ model, tools, stream }: LlmReading): object {
  return { models: [model], ...(tools.length === 0 ? {} : { tools: [...new Set(tools)].sort() }), stream };
}

function mcpNeed({ direction, method, tool, arguments: given, prompt, uri }: McpReading, knowsArguments: boolean): object {
  if (direction === "from_server") return { from_server: [method ?? ""] };
  if (tool !== null) {
    const pinned = knowsArguments ? pinnedValues(given ?? {}, (key) => (key === "" || key.includes(".") ? null : key)) : null;
    return { tools: [pinned === null ? tool : { name: tool, arguments: pinned, only_these: true }] };
  }
  if (prompt !== null) return { prompts: [prompt] };
  return uri === null ? { methods: [method ?? ""] } : { resources: [uri] };
}

function graphqlNeed({ type, name, fields }: GraphqlReading): object {
  return { types: [type], ...(name === null ? {} : { names: [name] }), fields: [...new Set(fields)].sort() };
}

/** A rule for each value: this one, where it is short and simple, else its kind. @returns null where not all can be named */
function pinnedValues(given: Readonly<Record<string, unknown>>, nameOf: (key: string) => string | null): Record<string, object> | null {
  const entries = Object.entries(given);
  if (entries.length > VALUES_LIMIT) return null;
  const pinned: [string, object][] = [];
  for (const [key, value] of entries.toSorted(([left], [right]) => (left < right ? -1 : 1))) {
    const name = nameOf(key);
    if (name === null || name.length > TEXT_LIMIT) return null;
    pinned.push([name, isSimple(value) ? { one_of: [value] } : { type: kindOf(value) }]);
  }
  return Object.fromEntries(pinned);
}

function isSimple(value: unknown): boolean {
  return typeof value === "string" ? value.length <= TEXT_LIMIT : typeof value !== "object" || value === null;
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? "array" : typeof value;
}

/** Patterns alone matter; what is in `arguments` stands for itself. */
function hasUnwritable(part: unknown): boolean {
  if (typeof part === "string") return part === "" || part.length > TEXT_LIMIT || UNWRITABLE.test(part);
  if (Array.isArray(part)) return part.some(hasUnwritable);
  return isFields(part) && Object.entries(part).some(([key, value]) => key !== "arguments" && hasUnwritable(value));
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
