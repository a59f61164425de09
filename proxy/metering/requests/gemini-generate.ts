import { malformed, objectsOf, partsOf, type Fields } from "./fields.ts";
import { readMcpServers } from "./hosted-tools.ts";
import { imageCeiling } from "./images.ts";
import { readTier, Reading, type ReadingContext } from "./reading.ts";
import { geminiToolNames, strayToolNames } from "./tool-names.ts";

/** Forms of output; whatever else there is may be sound. */
const NO_SOUND = new Set(["TEXT", "IMAGE"]);
/** Of `generationConfig` (https://cloud.google.com/vertex-ai/docs/reference/rest/v1/GenerationConfig). */
const ROUTING = ["routingConfig", "modelSelectionConfig"];
/** Tools that the agent runs. */
const TOOLS = new Set(["functiondeclarations", "computeruse"]);

/** `models/{model}:generateContent` (https://ai.google.dev/api/generate-content); each name may be written `maxOutputTokens` or `max_output_tokens`. */
export function readGeminiGenerate(body: Fields, context: ReadingContext): Reading {
  const { route } = context;
  const reading = new Reading();
  reading.model(route.model);
  reading.isStream = route.isStream ?? false;
  reading.cacheWrites = "5m";
  const settings = body.object("generationConfig");
  readSettings(body, settings, reading);
  readTier(reading, "serviceTier", body.text("serviceTier")?.replace(/^SERVICE_TIER_/i, "") ?? null);
  if (body.has("cachedContent")) reading.reference();
  reading.toolNames.push(...strayToolNames(body.list("tools")));
  for (const tool of objectsOf(body.list("tools"), true)) {
    reading.tools();
    reading.toolNames.push(...geminiToolNames(tool));
    readMcpServers(tool, reading);
    const foreign = tool.keys().find((key) => !TOOLS.has(key.toLowerCase().replaceAll("_", "")));
    if (foreign !== undefined) reading.unbound("tools", `has \`${foreign.slice(0, 60)}\`, which the provider runs at a price of its own`);
  }
  for (const content of objectsOf(body.list("contents"), true)) readParts(content.get("parts"), reading, context);
  readParts(body.object("systemInstruction")?.get("parts"), reading, context);
  return reading;
}

function readSettings(body: Fields, settings: Fields | null, reading: Reading): void {
  reading.perChoice = settings?.count("maxOutputTokens") ?? null;
  // Vertex chooses among models by these.
  if (ROUTING.some((name) => settings?.has(name) === true)) {
    reading.leaves("models");
    reading.unbound("generationConfig", "leaves it to the provider which model answers", "Leave `routingConfig` and `modelSelectionConfig` out.");
  }
  reading.choices = Math.max(1, settings?.count("candidateCount") ?? 1);
  const path = [body.key("generationConfig"), settings?.key("maxOutputTokens") ?? "maxOutputTokens"];
  reading.limitEdits = (tokens) => [{ path, value: tokens }];
  // Nothing but the model limits an image or a voice.
  const modalities = settings?.list("responseModalities") ?? [];
  // JSON of Protocol Buffers takes the number of a name too.
  if (modalities.some((one) => typeof one !== "string")) throw malformed("responseModalities has one that is no string");
  if (modalities.some((one) => !NO_SOUND.has(String(one))) || settings?.has("speechConfig") === true) reading.hasAudioOutput = true;
}

function readParts(parts: unknown, reading: Reading, context: ReadingContext): void {
  // One part may stand without its list.
  for (const part of partsOf(Array.isArray(parts) ? parts : [parts], true)) readPart(part, reading, context);
}

function readPart(part: Fields, reading: Reading, context: ReadingContext): void {
  const data = part.object("inlineData");
  if (data !== null) readData(data, reading, context);
  if (part.has("fileData")) reading.reference();
  readParts(part.object("functionResponse")?.get("parts"), reading, context);
}

function readData(value: Fields, reading: Reading, { route }: ReadingContext): void {
  const data = value.text("data");
  if (data !== null && value.text("mimeType")?.startsWith("image/") === true) reading.image(data, imageCeiling("google", route.model ?? "", null));
  else reading.reference();
}
