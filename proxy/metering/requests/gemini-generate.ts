import { isObject, objectsOf, type Fields } from "./fields.ts";
import { imageCeiling } from "./images.ts";
import { readTier, Reading, type ReadingContext } from "./reading.ts";

/** Vertex: what is paid by use, and what costs less. */
const LISTED_REQUEST_TYPES = new Set(["shared", "flex"]);
/** Tools that the agent runs. */
const TOOLS = new Set(["functiondeclarations", "computeruse"]);

/** `models/{model}:generateContent` (https://ai.google.dev/api/generate-content); each name may be written `maxOutputTokens` or `max_output_tokens`. */
export function readGeminiGenerate(body: Fields, context: ReadingContext): Reading {
  const { route, headers } = context;
  const reading = new Reading();
  reading.model(route.model);
  reading.isStream = route.isStream ?? false;
  reading.cacheWrites = "5m";
  const settings = body.object("generationConfig");
  readSettings(body, settings, reading);
  readTier(reading, "serviceTier", body.text("serviceTier")?.replace(/^SERVICE_TIER_/i, "") ?? null);
  const tier = headers.find(([name, value]) => name.startsWith("x-vertex-ai-llm-") && !LISTED_REQUEST_TYPES.has(value));
  if (tier !== undefined) reading.unbound(tier[0], "asks for a service tier that the price table does not know");
  if (body.has("cachedContent")) reading.reference();
  for (const tool of objectsOf(body.list("tools"), true)) {
    reading.tools();
    const foreign = tool.keys().find((key) => !TOOLS.has(key.toLowerCase().replaceAll("_", "")));
    if (foreign !== undefined) reading.unbound("tools", `has \`${foreign.slice(0, 60)}\`, which the provider runs at a price of its own`);
  }
  for (const content of objectsOf(body.list("contents"), true)) readParts(content.get("parts"), reading, context);
  readParts(body.object("systemInstruction")?.get("parts"), reading, context);
  return reading;
}

function readSettings(body: Fields, settings: Fields | null, reading: Reading): void {
  reading.perChoice = settings?.count("maxOutputTokens") ?? null;
  reading.choices = Math.max(1, settings?.count("candidateCount") ?? 1);
  const path = [body.key("generationConfig"), settings?.key("maxOutputTokens") ?? "maxOutputTokens"];
  reading.limitEdits = (tokens) => [{ path, value: tokens }];
  // Nothing but the model limits an image or a voice.
  const modalities = settings?.list("responseModalities") ?? [];
  if (modalities.some((one) => one === "AUDIO") || settings?.has("speechConfig") === true) reading.hasAudioOutput = true;
}

function readParts(parts: unknown, reading: Reading, context: ReadingContext): void {
  // One part may stand without its list.
  const list: readonly unknown[] = Array.isArray(parts) ? parts : [parts];
  for (const part of list) if (isObject(part)) readPart(part, reading, context);
}

function readPart(part: Readonly<Record<string, unknown>>, reading: Reading, context: ReadingContext): void {
  for (const [key, value] of Object.entries(part)) {
    const name = key.toLowerCase().replaceAll("_", "");
    if (name === "inlinedata") readData(value, reading, context);
    else if (name === "filedata") reading.reference();
    else if (name === "functionresponse" && isObject(value)) readParts(value["parts"], reading, context);
  }
}

function readData(value: unknown, reading: Reading, { route }: ReadingContext): void {
  const { data, ...rest } = isObject(value) ? value : {};
  const mime = rest["mimeType"] ?? rest["mime_type"];
  if (typeof data === "string" && typeof mime === "string" && mime.startsWith("image/")) reading.image(data, imageCeiling("google", route.model ?? "", null));
  else reading.reference();
}
