import { Fields, isObject } from "./fields.ts";

/** Types whose tools the agent itself runs, or that only hold some, by which a name is all that matters. */
const OF_AGENT = new Set(["", "function", "custom", "namespace"]);

/**
 * Names of one tool in an API of OpenAI's: chat puts it into an object of the type's name, responses beside it. Every name that it has, whichever a server
 * takes; of a type that the provider runs, or that is unknown, the type too.
 */
export function openAiToolNames(tool: Fields, type: string): readonly string[] {
  const inner = tool.keys().filter((key) => key === "function" || key === "custom" || key === type);
  const holders = [tool, ...inner.map((key) => tool.get(key)).filter(isObject).map((one) => new Fields(one))];
  const names = holders.map((holder) => holder.get("name")).filter((name) => typeof name === "string");
  return distinct(OF_AGENT.has(type) ? (names.length === 0 ? [""] : names) : [type, ...names]);
}

/** What stands in a list of tools and is none that anybody knows: a text by itself, anything else without a name. */
export function strayToolNames(list: readonly unknown[]): readonly string[] {
  return list.filter((one) => !isObject(one)).map((one) => (typeof one === "string" ? one : ""));
}

/** Fields that have the provider search or run something, and what policy is told of them. */
const RUN_BY_FIELD: Readonly<Record<string, string>> = {
  web_search_options: "web_search", search_parameters: "web_search", search_settings: "web_search", enable_search: "web_search", web_search: "web_search",
  data_sources: "data_sources", compound_custom: "compound_custom", mcp_servers: "mcp_servers", tool_resources: "tool_resources", connectors: "connectors",
  enable_code_interpreter: "code_interpreter",
};

/** What a request has the provider run without naming a tool. @param isRouted at a gateway whose plugins are named one by one */
export function toolsOfFields(body: Fields, isRouted: boolean): readonly string[] {
  const named = Object.entries({ ...RUN_BY_FIELD, ...(isRouted ? {} : { plugins: "plugins" }) });
  return distinct(named.filter(([field]) => body.has(field) && body.get(field) !== false && !isEmpty(body.get(field))).map(([, name]) => name));
}

/** Gemini's tools by their keys: names of functions, and what Google runs in one writing (`google_search`). */
export function geminiToolNames(tool: Fields): readonly string[] {
  return tool.keys().flatMap((key) => {
    if (key.toLowerCase().replaceAll("_", "") !== "functiondeclarations") return [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)];
    return tool.list("functionDeclarations").map((one) => (isObject(one) && typeof one["name"] === "string" ? one["name"] : ""));
  });
}

/** Bedrock's: a tool of the agent's is described, one of the provider's is named. What only marks a place to be kept is none. */
export function bedrockToolNames(tool: Fields): readonly string[] {
  return tool.keys().filter((key) => key !== "cachePoint").map((key) => {
    const said = tool.get(key);
    return isObject(said) && typeof said["name"] === "string" ? said["name"] : key;
  });
}

function distinct(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
