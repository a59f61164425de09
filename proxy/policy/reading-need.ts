import type { GraphqlReading, LlmReading, McpReading } from "../model/readings.ts";
import type { PolicyInput } from "./policy-engine.ts";

/** Values that are written out one by one; an agent may send thousands. */
const VALUES_LIMIT = 8;
const TEXT_LIMIT = 200;
/** Texts in which `*` would stand for more than itself. */
const UNWRITABLE = /[*\0]/;

/** What a request was read as, as far as it was; absent parts were not read or not kept. */
export type KeptInput = Pick<Partial<PolicyInput>, "git" | "grpc" | "llm" | "mcp" | "graphql" | "json">;

/**
 * What an entry of `data.yaml` has to say beyond method and path so that it covers this one request and as little else as possible. Of arguments and bodies,
 * values that are known are named; of others any value is covered.
 * @returns null where an entry cannot say it, because a name holds `*`
 */
export function readingNeed({ git, grpc, llm, mcp, graphql, json }: KeptInput): Record<string, unknown> | null {
  const parts: [string, unknown][] = [];
  if (git !== undefined) parts.push(["git", { access: git.is_write ? "write" : "read", repositories: [git.repository] }]);
  if (grpc !== undefined) parts.push(["grpc", [`${grpc.service}/${grpc.method}`]]);
  if (llm !== undefined) parts.push(["llm", llmNeed(llm)]);
  if (mcp !== undefined) parts.push(["mcp", mcpNeed(mcp)]);
  if (graphql !== undefined) parts.push(["graphql", graphqlNeed(graphql)]);
  const pinned = isFields(json) ? Object.entries(pinnedValues(json)).map(([key, rule]) => [`/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`, rule]) : [];
  if (pinned.length > 0) parts.push(["json", Object.fromEntries(pinned)]);
  return parts.some(([name, part]) => name !== "json" && hasUnwritable(part)) ? null : Object.fromEntries(parts);
}

function llmNeed({ model, tools }: LlmReading): object {
  return { models: [model], ...(tools.length === 0 ? {} : { tools: [...new Set(tools)] }) };
}

function mcpNeed({ direction, method, tool, arguments: given, prompt, uri }: McpReading): object {
  if (direction === "from_server") return { from_server: [method ?? ""] };
  if (tool !== null) {
    const pinned = pinnedValues(given ?? {});
    return { tools: [Object.keys(pinned).length === 0 ? tool : { name: tool, arguments: pinned }] };
  }
  if (prompt !== null) return { prompts: [prompt] };
  return uri === null ? { methods: [method ?? ""] } : { resources: [uri] };
}

function graphqlNeed({ type, name, fields }: GraphqlReading): object {
  return { types: [type], ...(name === null ? {} : { names: [name] }), fields: [...new Set(fields)] };
}

/** Exactly the values that were sent, of those that are short and simple. */
function pinnedValues(given: Readonly<Record<string, unknown>>): Record<string, { readonly one_of: readonly unknown[] }> {
  const simple = Object.entries(given).filter(([key, value]) => !key.includes(".") && isSimple(value)).slice(0, VALUES_LIMIT);
  return Object.fromEntries(simple.map(([key, value]) => [key, { one_of: [value] }]));
}

function isSimple(value: unknown): boolean {
  return typeof value === "string" ? value.length <= TEXT_LIMIT : typeof value === "number" || typeof value === "boolean";
}

/** Patterns alone matter; what is in `one_of` stands for itself. */
function hasUnwritable(part: unknown): boolean {
  if (typeof part === "string") return part === "" || part.length > TEXT_LIMIT || UNWRITABLE.test(part);
  if (Array.isArray(part)) return part.some(hasUnwritable);
  return isFields(part) && Object.entries(part).some(([key, value]) => key !== "arguments" && hasUnwritable(value));
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
