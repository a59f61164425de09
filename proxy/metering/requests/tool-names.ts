import type { Fields } from "./fields.ts";

/** Name of a tool that the agent runs, in an API of OpenAI's: chat puts it into an object of the type's name, responses beside it. Else its type. */
export function openAiToolName(tool: Fields, type: string): string {
  if (type !== "function" && type !== "custom" && type !== "namespace") return type;
  return tool.object(type)?.text("name") ?? tool.text("name") ?? "";
}

/** Fields of chat requests that have the provider search or run something, and what policy is told of them. */
const RUN_BY_FIELD: Readonly<Record<string, string>> = {
  web_search_options: "web_search", search_parameters: "web_search", search_settings: "web_search", enable_search: "web_search",
  data_sources: "data_sources", compound_custom: "compound_custom",
};

/** What a chat request has the provider run without naming a tool. */
export function toolsOfFields(body: Fields): readonly string[] {
  return [...new Set(Object.entries(RUN_BY_FIELD).filter(([field]) => body.has(field) && body.get(field) !== false).map(([, name]) => name))];
}

/** Gemini's tools by their keys: names of functions, and what Google runs in one writing (`google_search`). */
export function geminiToolNames(tool: Fields): readonly string[] {
  return tool.keys().flatMap((key) => {
    const kind = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (kind !== "function_declarations") return [kind];
    return tool.list("functionDeclarations").map((one) => (typeof one === "object" && one !== null && "name" in one && typeof one.name === "string" ? one.name : ""));
  });
}

/** Bedrock's: a tool of the agent's is described, one of the provider's is named. */
export function bedrockToolName(tool: Fields): string {
  return tool.object("toolSpec")?.text("name") ?? tool.object("systemTool")?.text("name") ?? tool.keys()[0] ?? "";
}
