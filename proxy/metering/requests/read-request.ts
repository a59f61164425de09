import type { ModelApi } from "../../model/metered-call.ts";
import type { HeaderList } from "../../model/request.ts";
import { readAnthropicMessages } from "./anthropic-messages.ts";
import { readBedrockConverse } from "./bedrock-converse.ts";
import { readBedrockInvoke } from "./bedrock-invoke.ts";
import { Fields, malformed } from "./fields.ts";
import { readGeminiGenerate } from "./gemini-generate.ts";
import { readMcpServers } from "./hosted-tools.ts";
import { readOpenAiChat } from "./openai-chat.ts";
import { readOpenAiEmbeddings } from "./openai-embeddings.ts";
import { readOpenAiResponses } from "./openai-responses.ts";
import { readOpenRouter } from "./openrouter.ts";
import { readPriceHeaders } from "./price-headers.ts";
import type { Reading, ReadingContext } from "./reading.ts";
import { scanJson } from "./scan-json.ts";
import { unreadParts } from "./stored-parts.ts";
import { toolsOfFields } from "./tool-names.ts";

/** The reader of each API's requests. Throws `request.malformed` for what the provider would not understand, or could understand in two ways. */
const READERS: Readonly<Record<ModelApi, (body: Fields, context: ReadingContext) => Reading>> = {
  "openai-chat": readOpenAiChat,
  "mistral-chat": readOpenAiChat,
  "openrouter-chat": readOpenAiChat,
  "openai-responses": readOpenAiResponses,
  "openai-embeddings": readOpenAiEmbeddings,
  "anthropic-messages": readAnthropicMessages,
  "gemini-generate": readGeminiGenerate,
  "bedrock-converse": readBedrockConverse,
  "bedrock-invoke": readBedrockInvoke,
};

/**
 * What a request says, of all that its cost depends on.
 * @param text JSON, not encoded
 * @throws EgressError `request.malformed`
 */
export async function readRequest(text: Buffer, context: ReadingContext): Promise<Reading> {
  const { api, provider } = context.route;
  requireJson(context.headers);
  const { value, cacheWrites } = await scanJson(text);
  const body = Fields.of(value, api === "gemini-generate");
  const reading = READERS[api](body, context);
  readPriceHeaders(reading, context.headers);
  const isRouted = provider === "openrouter" || api === "openrouter-chat";
  reading.toolNames.push(...toolsOfFields(body, isRouted));
  readMcpServers(body, reading);
  if (isRouted) readOpenRouter(body, reading);
  for (const part of unreadParts(body, context.headers, { models: reading.models, areModelsRead: isRouted })) reading.leaves(part);
  if (context.route.isStandIn) reading.leaves("model");
  // A request that asks for entries of an hour gets them; where entries are made unasked, five minutes are usual.
  if (cacheWrites !== "none" && reading.cacheWrites !== "1h") reading.cacheWrites = cacheWrites;
  return reading;
}

/** JSON in UTF-8, or nothing said of it: in another form or alphabet the same bytes may say something else. */
const JSON_TYPE = /^(?:application|text)\/(?:[\w.+-]+\+)?json\s*(?:;\s*charset="?utf-?8"?\s*)?$/i;

function requireJson(headers: HeaderList): void {
  const isJson = headers.every(([name, value]) => name !== "content-type" || JSON_TYPE.test(value.trim()));
  if (!isJson) throw malformed("its content type is not JSON in UTF-8");
}
