import { Fields, isObject, objectsOf } from "./fields.ts";
import { readHostedTool } from "./hosted-tools.ts";
import { readOpenAiContent, readOpenAiPart } from "./openai-parts.ts";
import { readTier, Reading, refuseFields, unknownCost, type ReadingContext } from "./reading.ts";
import { openAiToolNames, strayToolNames } from "./tool-names.ts";

/** The API takes no lower limit. */
const LEAST_TOKENS = 16;

/** Fields that make a cost unknowable. A stored prompt may bring another model, tools and limits; an answer in the background is never seen here. */
const UNKNOWABLE: Readonly<Record<string, string>> = {
  prompt: "may bring a model, tools and limits that are not in the request",
  background: "has the answer fetched later, unseen",
  context_management: "asks the model more than once",
  multi_agent: "asks as many models as they like",
  deferred: "has the answer fetched later, unseen",
  search_parameters: "searches the web as often as the model likes",
  fallbacks: "may have another model answer",
  speed: "has a price that the table does not know",
};

/** Tools that the agent runs; the provider only describes some of them to the model. */
const CLIENT_TOOLS = new Set(["function", "custom"]);
const DESCRIBED_TOOLS = new Set(["local_shell", "apply_patch", "computer", "computer_use_preview"]);
const SEARCH_TOOLS = /^(?:web_search(?:_\d{4}_\d{2}_\d{2})?|file_search)$/;
/** Items of an earlier conversation that are all text. Two of them bring tools, which are read beside it. */
const TEXT_ITEMS = new Set([
  "reasoning", "function_call", "custom_tool_call", "tool_search_call", "tool_search_output", "additional_tools",
  "local_shell_call", "local_shell_call_output", "apply_patch_call", "apply_patch_call_output", "computer_call",
]);

/** `POST /v1/responses` (https://platform.openai.com/docs/api-reference/responses/create). */
export function readOpenAiResponses(body: Fields, context: ReadingContext): Reading {
  const reading = new Reading();
  reading.model(body.text("model"));
  reading.isStream = body.flag("stream");
  reading.cacheWrites = "5m";
  reading.perChoice = body.count("max_output_tokens");
  reading.leastPerChoice = LEAST_TOKENS;
  // Codex's own server takes no limit.
  reading.limitEdits = (tokens) => (context.route.isSubscription ? null : [{ path: ["max_output_tokens"], value: tokens }]);
  refuseFields(body, UNKNOWABLE, reading);
  // Which of xAI's work together says the model; how many of OpenAI's do says the mode.
  if (/multi-agent/.test(reading.models[0] ?? "")) reading.unbound("model", "names several models that work together", "Use another model.");
  if ((body.object("reasoning")?.text("mode") ?? "standard") !== "standard") reading.unbound("reasoning", "has the model asked more than once");
  readTier(reading, "service_tier", body.text("service_tier"));
  if (body.has("previous_response_id") || body.has("conversation")) reading.reference();
  const items = objectsOf(inputOf(body));
  for (const item of items) readItem(item, reading, context);
  const holders = [body, ...items.filter(bringsTools)];
  reading.toolNames.push(...holders.flatMap((holder) => strayToolNames(holder.list("tools"))));
  readTools(holders.flatMap(toolsIn), body, reading, context);
  return reading;
}

function inputOf(body: Fields): readonly unknown[] {
  const input = body.get("input");
  return Array.isArray(input) ? input : [input];
}

/** An item may have the tools that it brings into a conversation; one that tells what a server of tools has only describes them. */
function bringsTools(item: Fields): boolean {
  return item.text("type") !== "mcp_list_tools";
}

/** All tools in a list, and in the namespaces of it. */
function toolsIn(holder: Fields): readonly Fields[] {
  return objectsOf(holder.list("tools")).flatMap((tool) => (tool.text("type") === "namespace" ? [tool, ...toolsIn(tool)] : [tool]));
}

function readItem(item: Fields, reading: Reading, context: ReadingContext): void {
  const type = item.text("type");
  if (type === null || type === "message") return readOpenAiContent(item.get("content"), reading, context);
  if (TEXT_ITEMS.has(type)) return;
  if (type === "compaction_trigger") reading.unbound("input", "has the provider pack the conversation, which asks the model more than once", "Leave the item `compaction_trigger` out.");
  const output = item.get("output");
  if (type === "function_call_output" || type === "custom_tool_call_output") return readOpenAiContent(output, reading, context);
  if (type === "computer_call_output" && isObject(output)) return readOpenAiPart(new Fields(output), reading, context);
  // References to items, results of the provider's tools, packed conversations.
  reading.reference();
}

function readTools(tools: readonly Fields[], body: Fields, reading: Reading, context: ReadingContext): void {
  const searches = new Set<string>();
  for (const tool of tools) {
    reading.tools();
    const type = tool.text("type") ?? "";
    reading.toolNames.push(...openAiToolNames(tool, type));
    if (type === "namespace") continue;
    if (!CLIENT_TOOLS.has(type)) readHostedTool(tool, type, reading);
    // What the provider searches by itself it also reads by itself; what the agent finds is in its next request.
    if (CLIENT_TOOLS.has(type) || (type === "tool_search" && tool.text("execution") === "client")) continue;
    if (DESCRIBED_TOOLS.has(type)) reading.builtInTool();
    else if (SEARCH_TOOLS.test(type)) searches.add(type);
    else reading.unbound("tools", `has \`${type.slice(0, 60)}\`, whose price is not known before`);
  }
  if (searches.size > 0) readSearches(searches, body, reading, context);
}

/** `max_tool_calls` holds for all tools of the provider's together; the model is asked once more than that, each time with all that was found. */
function readSearches(types: ReadonlySet<string>, body: Fields, reading: Reading, { route: { provider, isSubscription } }: ReadingContext): void {
  reading.reference();
  const each = { rounds: 1, webSearches: [...types].some((type) => type !== "file_search") ? 1 : 0, fileSearches: types.has("file_search") ? 1 : 0 };
  // Others have tools of the same names, and no such limit; Codex's own server refuses it.
  const isLimitable = provider === "openai" || provider === "azure";
  const calls = isLimitable ? body.count("max_tool_calls") : null;
  const why = "has a search that the model may use as often as it likes";
  if (calls !== null) reading.toolCalls(calls, each);
  else if (!isLimitable || isSubscription) reading.unbound("tools", why, "Leave the search out: this server takes no limit of it. Codex has `web_search = \"disabled\"`.");
  else reading.toolLimit = { ...each, edits: (most) => [{ path: ["max_tool_calls"], value: most }], problem: unknownCost("tools", why, "Set `max_tool_calls`.") };
}
