import { readAnthropicBetas } from "./anthropic-betas.ts";
import { ANTHROPIC_SELLERS, readAnthropicTools, readInlineTool } from "./anthropic-tools.ts";
import { Fields, isObject, objectsOf, partsOf } from "./fields.ts";
import { readSkills } from "./hosted-tools.ts";
import { imageCeiling } from "./images.ts";
import { readTier, Reading, refuseFields, type ReadingContext } from "./reading.ts";
import type { Edit } from "./splice.ts";

/** The least that a model may be given to think with; it must be below `max_tokens`. */
const LEAST_THINKING_TOKENS = 1_024;
const TEXT_PARTS = new Set(["text", "thinking", "redacted_thinking", "tool_use", "search_result"]);

const UNKNOWABLE: Readonly<Record<string, string>> = {
  fallbacks: "may have another model answer",
  compaction: "has the conversation packed by a prompt that is not in the request",
};

/** `POST /v1/messages` (https://platform.claude.com/docs/en/api/messages), also as Vertex, Azure and Bedrock take it. */
export function readAnthropicMessages(body: Fields, context: ReadingContext): Reading {
  const { route, headers } = context;
  const reading = new Reading();
  reading.model(route.model ?? body.text("model"));
  reading.isStream = route.isStream ?? body.flag("stream");
  readLimit(body, reading);
  readAnthropicBetas(reading, headers, body);
  readPrices(body, reading);
  readAnthropicTools(body, reading, context);
  for (const message of objectsOf(body.list("messages"))) readContent(message.get("content"), reading, context);
  readContent(body.get("system"), reading, context);
  return reading;
}

/** Where output is limited, thinking must stay below it. */
function readLimit(body: Fields, reading: Reading): void {
  reading.perChoice = body.count("max_tokens");
  const thinking = body.object("thinking");
  const budget = thinking?.count("budget_tokens") ?? null;
  reading.limitEdits = (tokens) => {
    const edits: Edit[] = [{ path: ["max_tokens"], value: tokens }];
    if (budget === null || budget < tokens) return edits;
    return tokens <= LEAST_THINKING_TOKENS ? null : [...edits, { path: ["thinking", "budget_tokens"], value: tokens - 1 }];
  };
  if (budget !== null) reading.leastPerChoice = LEAST_THINKING_TOKENS + 1;
}

function readPrices(body: Fields, reading: Reading): void {
  readTier(reading, "service_tier", body.text("service_tier"));
  if ((body.text("speed") ?? "standard") !== "standard") reading.unbound("speed", "has a price that the table does not know");
  if ((body.text("inference_geo") ?? "global") !== "global") reading.unbound("inference_geo", "has a price that the table does not know");
  refuseFields(body, UNKNOWABLE, reading);
  if (body.list("mcp_servers").length > 0) {
    reading.unbound("mcp_servers", "lets the model call tools as often as it likes");
  }
  if (body.has("container") || body.has("thread")) reading.reference();
  const container = body.get("container");
  if (isObject(container)) readSkills(new Fields(container), reading);
  const edits = objectsOf(body.object("context_management")?.list("edits") ?? []);
  if (edits.some((edit) => !(edit.text("type") ?? "").startsWith("clear_"))) reading.unbound("context_management", "asks the model more than once");
}

function readContent(content: unknown, reading: Reading, context: ReadingContext): void {
  for (const part of partsOf(content)) readPart(part, reading, context);
}

function readPart(part: Fields, reading: Reading, context: ReadingContext): void {
  const type = part.text("type") ?? "";
  if (TEXT_PARTS.has(type)) return;
  if (type === "tool_result") return readContent(part.get("content"), reading, context);
  if (type === "tool_addition" || type === "tool_removal") return readToolChange(part, reading);
  // A packed conversation tells what became of its tools.
  for (const change of partsOf(part.get("tool_changes"))) readToolChange(change, reading);
  const source = type === "image" || type === "document" ? part.object("source") : null;
  if (source === null) return reading.reference();
  return type === "image" ? readImage(source, reading, context) : readDocument(source, reading, context);
}

/** A tool that is named was declared before; one that is defined here is new. */
function readToolChange(change: Fields, reading: Reading): void {
  const definition = change.object("tool")?.object("definition") ?? null;
  if (definition !== null) readInlineTool(definition, reading);
}

function readImage(source: Fields, reading: Reading, { route: { provider } }: ReadingContext): void {
  const [from, data] = [source.text("type"), source.text("data")];
  const ceiling = imageCeiling(ANTHROPIC_SELLERS.has(provider) ? "anthropic" : provider, reading.models[0] ?? "", null);
  if (from === "base64" && data !== null) reading.image(data, ceiling);
  else if (from === "url") reading.image("", ceiling);
  else reading.reference();
}

/** Files and the pages of PDFs are no texts. */
function readDocument(source: Fields, reading: Reading, context: ReadingContext): void {
  const from = source.text("type");
  if (from === "content") readContent(source.get("content"), reading, context);
  else if (from !== "text") reading.reference();
}
