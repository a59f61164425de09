import { Fields, isObject } from "./fields.ts";
import { readHostedTool } from "./hosted-tools.ts";
import { unknownCost, type Reading, type ReadingContext } from "./reading.ts";
import type { Edit } from "./splice.ts";
import { strayToolNames } from "./tool-names.ts";

/** Who has Anthropic's own models at this API; others have theirs. */
export const ANTHROPIC_SELLERS: ReadonlySet<string> = new Set(["anthropic", "aws", "azure", "google"]);
/** Tools that the agent runs, and the provider describes to the model. */
const CLIENT_TOOLS = /^(?:bash|text_editor|computer|memory)_\d{8}$/;
/** What Anthropic has them named. */
const USUAL_NAMES = new Set(["bash", "str_replace_editor", "str_replace_based_edit_tool", "computer", "memory"]);
/** Tools that the provider runs, with a number of uses that the request may limit (`max_uses`). */
const SEARCH_TOOLS = /^(?:web_search|web_fetch)_\d{8}$/;
/** Versions since these filter what they find by programs that the model writes, as many as it likes, unless only the model itself may call the tool. */
const PLAIN_SEARCHES = new Set(["web_search_20250305", "web_fetch_20250910"]);

/** There is one of each kind, and a request to put limits into more would be copied as often. */
const SEARCHES_LIMIT = 8;

/** A search, as the request has it. */
interface Search {
  readonly index: number;
  readonly isWeb: boolean;
  readonly hasLimit: boolean;
  /** Whether its programs must be ruled out. */
  readonly isFiltering: boolean;
}

/** The tools of a request, and what limits those that the provider runs (https://platform.claude.com/docs/en/agents-and-tools/tool-use/server-tools). */
export function readAnthropicTools(body: Fields, reading: Reading, { route: { provider } }: ReadingContext): void {
  const open: Search[] = [];
  reading.toolNames.push(...strayToolNames(body.list("tools")));
  for (const [index, value] of body.list("tools").entries()) {
    if (!isObject(value)) continue;
    reading.tools();
    const tool = new Fields(value);
    const type = tool.text("type") ?? "custom";
    readNames(tool, type, reading);
    if (type === "custom") continue;
    if (CLIENT_TOOLS.test(type)) reading.builtInTool();
    else if (!SEARCH_TOOLS.test(type)) reading.unbound("tools", `has \`${type.slice(0, 60)}\`, which the provider runs as often as the model likes, and no request can limit`);
    else if (!ANTHROPIC_SELLERS.has(provider)) reading.unbound("tools", `has \`${type}\`, which this server may run as often as the model likes`);
    else readSearch(tool, index, reading, open);
  }
  if (open.length > SEARCHES_LIMIT) reading.unbound("tools", `has more than ${SEARCHES_LIMIT} searches without a limit`, "Name each search once.");
  else if (open.length > 0) limit(open, reading);
}

/** Of a type that Anthropic dated: there, it tells all. */
const DATED = /^[a-z_]+_\d{8}$/;

/**
 * What the provider runs goes by its type: every request may name it as it likes. What the agent runs goes by its name; of a type that is unknown, both are
 * told, as a server that does not know it either may take it for one of the agent's.
 */
export function anthropicToolNames(tool: Fields, type: string): readonly string[] {
  const name = tool.text("name") ?? "";
  if (type === "custom") return [name];
  if (CLIENT_TOOLS.test(type)) return USUAL_NAMES.has(name) ? [name] : [type, name];
  return DATED.test(type) || !tool.has("name") ? [type] : [type, name];
}

function readNames(tool: Fields, type: string, reading: Reading): void {
  reading.toolNames.push(...anthropicToolNames(tool, type));
  if (type !== "custom" && !CLIENT_TOOLS.test(type)) readHostedTool(tool, type, reading);
}

/** A tool that a message brings into the conversation. Nothing is put in there, so that it must be one that the agent itself runs. */
export function readInlineTool(definition: Fields, reading: Reading): void {
  reading.tools();
  const type = definition.text("type") ?? "custom";
  readNames(definition, type, reading);
  if (type === "custom") return;
  if (CLIENT_TOOLS.test(type)) reading.builtInTool();
  else reading.unbound("messages", `bring \`${type.slice(0, 60)}\`, which the provider runs as often as the model likes`, "Put it into `tools`, where it can be limited, or leave it out.");
}

/** Each use asks the model once more, with all that was found. */
function readSearch(tool: Fields, index: number, reading: Reading, open: Search[]): void {
  const type = tool.text("type") ?? "";
  const isWeb = type.startsWith("web_search");
  const uses = tool.count("max_uses");
  if (uses !== 0) reading.reference();
  reading.toolCalls(uses ?? 0, eachOf([{ isWeb }]));
  const callers = tool.list("allowed_callers");
  if (callers.some((caller) => caller !== "direct")) reading.unbound("tools", `has \`${type}\` called by programs`, 'Set `allowed_callers` of the tool to `["direct"]`.');
  const isFiltering = callers.length === 0 && !PLAIN_SEARCHES.has(type);
  if (uses === null || isFiltering) open.push({ index, isWeb, hasLimit: uses !== null, isFiltering });
}

function limit(open: readonly Search[], reading: Reading): void {
  const hint = 'Set `max_uses` of the tool, and its `allowed_callers` to `["direct"]`.';
  reading.toolLimit = {
    ...eachOf(open.filter(({ hasLimit }) => !hasLimit)), edits: (calls) => open.flatMap((search) => editsOf(search, calls)),
    problem: unknownCost("tools", "has a search that the model may use as often as it likes", hint),
  };
}

function eachOf(searches: readonly Pick<Search, "isWeb">[]): { readonly rounds: number; readonly webSearches: number; readonly fileSearches: number } {
  return { rounds: searches.length, webSearches: searches.filter(({ isWeb }) => isWeb).length, fileSearches: 0 };
}

function editsOf({ index, hasLimit, isFiltering }: Search, calls: number): readonly Edit[] {
  return [
    ...(hasLimit ? [] : [{ path: ["tools", index, "max_uses"], value: calls }]),
    ...(isFiltering ? [{ path: ["tools", index, "allowed_callers"], value: ["direct"] }] : []),
  ];
}
