import { objectsOf, type Fields } from "./fields.ts";
import { readOpenAiContent } from "./openai-parts.ts";
import { readTier, Reading, refuseFields, type ReadingContext } from "./reading.ts";
import type { Edit } from "./splice.ts";
import { readHostedTool } from "./hosted-tools.ts";
import { openAiToolNames, strayToolNames } from "./tool-names.ts";

/** Limits that a provider heeds, the one first that is put in. At xAI, `max_tokens` leaves reasoning out; elsewhere only `max_tokens` is sure. */
const HEEDED: Readonly<Record<string, readonly LimitName[]>> = {
  "openai": ["max_completion_tokens", "max_tokens"], "azure": ["max_completion_tokens", "max_tokens"], "groq": ["max_completion_tokens", "max_tokens"],
  "cerebras": ["max_completion_tokens", "max_tokens"], "github-copilot": ["max_completion_tokens", "max_tokens"],
  "openrouter": ["max_tokens", "max_completion_tokens"], "google": ["max_tokens", "max_completion_tokens"], "x-ai": ["max_completion_tokens"],
};
const LIMIT_NAMES = ["max_tokens", "max_completion_tokens"] as const;
type LimitName = (typeof LIMIT_NAMES)[number];
const MAX_CHOICES = 1_000;

/** Fields of OpenAI's chat API, and of those that speak it, whose cost nobody can tell before. */
const UNKNOWABLE: Readonly<Record<string, string>> = {
  web_search_options: "searches the web as often as the model likes",
  search_parameters: "searches the web as often as the model likes",
  prediction: "is charged as output where it is not used",
  data_sources: "adds documents to the prompt",
  // Of xAI, of Groq, of Alibaba.
  deferred: "has the answer fetched later, unseen",
  search_settings: "searches the web as often as the model likes",
  compound_custom: "runs tools of the provider's as often as the model likes",
  enable_search: "searches the web as often as the model likes",
  background: "has the answer fetched later, unseen",
  fallbacks: "may have another model answer",
  speed: "has a price that the table does not know",
  extra_body: "may say anything",
  google: "may say anything",
};

/** `POST /v1/chat/completions` of OpenAI, of those that speak its API, of Mistral and of OpenRouter. */
export function readOpenAiChat(body: Fields, context: ReadingContext): Reading {
  const { route } = context;
  const reading = new Reading();
  // A deployment in the path decides, whatever the body says. OpenRouter takes a list in place of one.
  if (route.model !== null) reading.model(route.model);
  else if (body.has("model") || route.api !== "openrouter-chat" || !body.has("models")) reading.model(body.text("model"));
  reading.isStream = body.flag("stream");
  reading.cacheWrites = "5m";
  readLimit(body, reading, context);
  refuseFields(body, UNKNOWABLE, reading);
  // A gateway's list of models that may answer in the place of the first.
  if (body.has("models") && route.provider !== "openrouter" && route.api !== "openrouter-chat") reading.unbound("models", "may have another model answer");
  if (/search-(?:preview|api)/.test(reading.models[0] ?? "")) reading.unbound("model", "names one that searches the web", "Use another model.");
  if (/multi-agent|compound/.test(reading.models[0] ?? "")) reading.unbound("model", "names several models that work together", "Use another model.");
  if (route.provider === "perplexity") reading.unbound("model", "names one that searches the web", "Use another provider.");
  readTier(reading, "service_tier", body.text("service_tier"));
  const modalities = body.list("modalities");
  if (modalities.some((one) => one !== "text") || body.has("audio")) reading.hasAudioOutput = reading.hasMedia = true;
  readTools(body, reading);
  readMessages(body, reading, context);
  if (reading.isStream) reading.usageEdits.push(...usageEdits(body, context));
  return reading;
}

function readLimit(body: Fields, reading: Reading, { route: { provider } }: ReadingContext): void {
  const heeded = HEEDED[provider] ?? ["max_tokens"];
  const limits = heeded.map((name) => body.count(name)).filter((limit) => limit !== null);
  // Of two limits, nobody knows which a server takes.
  reading.perChoice = limits.length === 0 ? null : Math.max(...limits);
  const present = LIMIT_NAMES.filter((name) => body.has(name));
  const names = limits.length === 0 ? [...present, ...heeded.slice(0, 1).filter((name) => !present.includes(name))] : present;
  reading.limitEdits = settingAll(names);
  const [n, best] = [body.count("n"), body.count("best_of")];
  reading.choices = Math.max(1, n ?? 1, best ?? 1);
  if (reading.choices > MAX_CHOICES) reading.unbound("n", `is more than ${MAX_CHOICES}`);
}

/** Of a request, or of a message that brings more of them; `functions` is what tools were called first. */
function readTools(holder: Fields, reading: Reading): void {
  for (const one of objectsOf(holder.list("functions"))) reading.toolNames.push(one.text("name") ?? "");
  reading.toolNames.push(...strayToolNames(holder.list("tools")));
  for (const tool of objectsOf(holder.list("tools"))) {
    reading.tools();
    const type = tool.text("type") ?? (tool.has("function") ? "function" : "");
    reading.toolNames.push(...openAiToolNames(tool, type));
    if (type === "function" || type === "custom") continue;
    readHostedTool(tool, type, reading);
    reading.unbound("tools", "has one that the provider itself runs");
  }
}

/** Made here, where it keeps nothing of the request. */
function settingAll(names: readonly LimitName[]): Reading["limitEdits"] {
  return (tokens) => names.map((name) => ({ path: [name], value: tokens }));
}

function readMessages(body: Fields, reading: Reading, context: ReadingContext): void {
  for (const message of objectsOf(body.list("messages"))) {
    readOpenAiContent(message.get("content"), reading, context);
    readTools(message, reading);
    // An earlier answer in sound is named, not sent.
    if (message.has("audio") || message.has("images")) reading.reference();
  }
}

/** Without them a stream never says what it used; OpenRouter has an option of its own. Mistral always says it. */
function usageEdits(body: Fields, { route: { api, declared } }: ReadingContext): readonly Edit[] {
  if (api === "mistral-chat" || declared?.injectUsage === false) return [];
  if (api === "openrouter-chat") return body.object("usage")?.flag("include") === true ? [] : [{ path: ["usage", "include"], value: true }];
  return body.object("stream_options")?.flag("include_usage") === true ? [] : [{ path: ["stream_options", "include_usage"], value: true }];
}
