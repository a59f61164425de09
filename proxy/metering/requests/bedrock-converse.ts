import { readAnthropicBetas } from "./anthropic-betas.ts";
import { objectsOf, partsOf, type Fields } from "./fields.ts";
import { imageCeiling } from "./images.ts";
import { readTier, Reading, type ReadingContext } from "./reading.ts";
import { anthropicToolNames } from "./anthropic-tools.ts";
import { readMcpServers } from "./hosted-tools.ts";
import { bedrockToolNames, strayToolNames } from "./tool-names.ts";

/** Fields for the model itself that change neither its price nor its limit of output. Betas are read beside it. */
const HARMLESS = new Set([
  "thinking", "reasoning_config", "reasoningConfig", "reasoning_effort", "output_config", "top_k", "topK", "anthropic_beta", "stop_sequences",
]);
/** Others that bring neither a model nor tools, or whose tools are read. */
const SETTINGS = new Set([
  "tools", "tool_choice", "mcp_servers", "inferenceConfig", "max_tokens", "temperature", "top_p", "topP", "stop", "seed", "frequency_penalty", "presence_penalty",
]);
const TEXT_PARTS = new Set(["text", "toolUse", "reasoningContent", "cachePoint", "citationsContent", "searchResult", "json"]);

/** `Converse` and `ConverseStream` (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html). */
export function readBedrockConverse(body: Fields, context: ReadingContext): Reading {
  const { route, headers } = context;
  const reading = new Reading();
  reading.model(route.model);
  reading.isStream = route.isStream ?? false;
  reading.perChoice = body.object("inferenceConfig")?.count("maxTokens") ?? null;
  const budget = thinkingBudget(body);
  // The least that models may think with is 1,024, and it must be below the limit; what is written for the model itself is left alone.
  reading.limitEdits = (tokens) => (budget >= tokens ? null : [{ path: ["inferenceConfig", "maxTokens"], value: tokens }]);
  readPrices(body, reading);
  readAnthropicBetas(reading, headers, body.object("additionalModelRequestFields"));
  for (const message of objectsOf(body.list("messages"))) readContent(message.get("content"), reading, context);
  return reading;
}

function thinkingBudget(body: Fields): number {
  const extra = body.object("additionalModelRequestFields");
  return Math.max(0, ...["thinking", "reasoning_config"].map((name) => extra?.object(name)?.count("budget_tokens") ?? 0));
}

function readPrices(body: Fields, reading: Reading): void {
  for (const key of body.object("additionalModelRequestFields")?.keys() ?? []) {
    if (!HARMLESS.has(key)) reading.unbound("additionalModelRequestFields", `has \`${key.slice(0, 60)}\`, which may change limit or price`);
  }
  readTier(reading, "serviceTier", body.object("serviceTier")?.text("type") ?? null);
  const latency = body.object("performanceConfig")?.text("latency") ?? "standard";
  if (latency !== "standard") reading.unbound("performanceConfig", "has a price that the table does not know");
  if (body.has("guardrailConfig")) reading.unbound("guardrailConfig", "has a price of its own");
  if (body.has("promptVariables")) reading.unbound("promptVariables", "belongs to a stored prompt, which may bring a model and limits");
  readForModel(body.object("additionalModelRequestFields"), reading);
  const tools = body.object("toolConfig")?.list("tools") ?? [];
  reading.toolNames.push(...strayToolNames(tools));
  for (const tool of objectsOf(tools)) {
    reading.tools();
    reading.toolNames.push(...bedrockToolNames(tool));
    if (tool.has("systemTool")) reading.unbound("toolConfig", "has a tool that the provider runs as often as the model likes");
  }
}

/** What goes to the model as it is may bring tools that the API itself does not know. */
function readForModel(extra: Fields | null, reading: Reading): void {
  if (extra === null) return;
  const tools = extra.list("tools");
  reading.toolNames.push(...strayToolNames(tools), ...objectsOf(tools).flatMap((tool) => anthropicToolNames(tool, tool.text("type") ?? "custom")));
  if (extra.has("mcp_servers")) reading.toolNames.push("mcp_servers");
  readMcpServers(extra, reading);
  if (extra.keys().every((key) => HARMLESS.has(key) || SETTINGS.has(key))) return;
  reading.leaves("models");
  reading.leaves("tools");
}

function readContent(content: unknown, reading: Reading, context: ReadingContext): void {
  for (const part of partsOf(content)) for (const kind of part.keys()) readPart(part, kind, reading, context);
}

/** A part is named by its only key; a name in another writing is one that nobody knows. */
function readPart(part: Fields, kind: string, reading: Reading, context: ReadingContext): void {
  if (TEXT_PARTS.has(kind)) return;
  if (kind === "toolResult") readContent(part.object(kind)?.get("content"), reading, context);
  else if (kind === "image") readImage(part.object(kind)?.object("source") ?? null, reading, context);
  else if (kind !== "guardContent" || part.object(kind)?.has("image") === true) reading.reference();
}

/** In the body, or at S3, where nobody here has seen it. */
function readImage(source: Fields | null, reading: Reading, { route }: ReadingContext): void {
  const bytes = source?.text("bytes") ?? null;
  if (bytes === null) reading.reference();
  else reading.image(bytes, imageCeiling("aws", route.model ?? "", null));
}
