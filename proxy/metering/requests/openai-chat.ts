import { objectsOf, type Fields } from "./fields.ts";
import { readOpenAiContent } from "./openai-parts.ts";
import { readTier, Reading, type ReadingContext } from "./reading.ts";
import type { Edit } from "./splice.ts";

/** Providers that heed `max_completion_tokens`; at others only `max_tokens` is sure to limit anything. */
const KNOWS_COMPLETION_TOKENS = new Set(["openai", "azure", "groq", "cerebras", "openrouter", "x-ai", "google", "github-copilot"]);
/** `max_tokens` is old there, and models that reason refuse it. */
const PREFERS_COMPLETION_TOKENS = new Set(["openai", "azure", "groq", "cerebras", "github-copilot"]);
const MAX_CHOICES = 1_000;

/** Fields of OpenAI's chat API, and of those that speak it, whose cost nobody can tell before. */
const UNKNOWABLE: Readonly<Record<string, string>> = {
  web_search_options: "searches the web as often as the model likes",
  search_parameters: "searches the web as often as the model likes",
  prediction: "is charged as output where it is not used",
  plugins: "adds work that has a price of its own",
  provider: "chooses among servers with other prices",
  route: "chooses among models with other prices",
  transforms: "changes the prompt",
  data_sources: "adds documents to the prompt",
  extra_body: "may say anything",
};

/** `POST /v1/chat/completions` of OpenAI, of those that speak its API, of Mistral and of OpenRouter. */
export function readOpenAiChat(body: Fields, context: ReadingContext): Reading {
  const { route } = context;
  const reading = new Reading();
  readModels(body, reading, context);
  reading.isStream = body.flag("stream");
  reading.cacheWrites = "5m";
  readLimit(body, reading, context);
  for (const [parameter, why] of Object.entries(UNKNOWABLE)) if (body.has(parameter)) reading.unbound(parameter, why);
  if (/search-(?:preview|api)/.test(reading.models[0] ?? "")) reading.unbound("model", "names one that searches the web", "Use another model.");
  if (route.provider === "perplexity") reading.unbound("model", "names one that searches the web", "Use another provider.");
  readTier(reading, "service_tier", body.text("service_tier"));
  const modalities = body.list("modalities");
  if (modalities.some((one) => one !== "text") || body.has("audio")) reading.hasAudioOutput = reading.hasMedia = true;
  for (const tool of objectsOf(body.list("tools"))) {
    reading.tools();
    const type = tool.text("type");
    if (type !== null && type !== "function" && type !== "custom") reading.unbound("tools", "has one that the provider itself runs");
  }
  readMessages(body, reading, context);
  if (reading.isStream) reading.usageEdits.push(...usageEdits(body, context));
  return reading;
}

function readModels(body: Fields, reading: Reading, { route }: ReadingContext): void {
  const isOpenRouter = route.api === "openrouter-chat";
  const named = body.text("model");
  const others = isOpenRouter ? body.list("models") : [];
  // A deployment in the path decides, whatever the body says.
  if (route.model !== null) reading.model(route.model);
  else if (named !== null || others.length === 0) reading.model(named);
  for (const other of others) reading.model(typeof other === "string" ? other : null);
  if (isOpenRouter && reading.models.some((model) => /:(?:online|nitro|exacto)$|^openrouter\//.test(model))) {
    reading.unbound("model", "leaves it to OpenRouter what answers, and at which price", "Name a model without such a suffix.");
  }
}

function readLimit(body: Fields, reading: Reading, { route: { provider, api } }: ReadingContext): void {
  const isBoth = KNOWS_COMPLETION_TOKENS.has(provider) && api !== "mistral-chat";
  const [older, newer] = [body.count("max_tokens"), body.count("max_completion_tokens")];
  const heeded = isBoth ? [older, newer] : [older];
  const limits = heeded.filter((limit) => limit !== null);
  // Of two limits, nobody knows which a server takes.
  reading.perChoice = limits.length === 0 ? null : Math.max(...limits);
  const added = isBoth && PREFERS_COMPLETION_TOKENS.has(provider) ? "max_completion_tokens" : "max_tokens";
  const present = [["max_tokens", older], ["max_completion_tokens", newer]] as const;
  const names = limits.length === 0 ? [added] : present.flatMap(([name, limit]) => (limit === null ? [] : [name]));
  reading.limitEdits = (tokens) => names.map((name) => ({ path: [name], value: tokens }));
  const [n, best] = [body.count("n"), body.count("best_of")];
  reading.choices = Math.max(1, n ?? 1, best ?? 1);
  if (reading.choices > MAX_CHOICES) reading.unbound("n", `is more than ${MAX_CHOICES}`);
}

function readMessages(body: Fields, reading: Reading, context: ReadingContext): void {
  for (const message of objectsOf(body.list("messages"))) {
    readOpenAiContent(message.get("content"), reading, context);
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
