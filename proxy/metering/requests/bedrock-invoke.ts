import { readAnthropicMessages } from "./anthropic-messages.ts";
import { objectsOf, partsOf, type Fields } from "./fields.ts";
import { readHostedTool } from "./hosted-tools.ts";
import { readOpenAiPart } from "./openai-parts.ts";
import { Reading, type ReadingContext } from "./reading.ts";
import { bedrockToolNames, openAiToolNames, strayToolNames } from "./tool-names.ts";

/** Where each vendor's models have their limit of output (https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html). */
const LIMITS: readonly (readonly [vendor: RegExp, path: readonly string[]])[] = [
  [/amazon\.nova/, ["inferenceConfig", "maxTokens"]],
  [/amazon\.titan-text/, ["textGenerationConfig", "maxTokenCount"]],
  [/meta\.llama/, ["max_gen_len"]],
  [/openai\.gpt/, ["max_completion_tokens"]],
  [/(?:mistral|cohere|deepseek|ai21|qwen|moonshot|minimax|zai|google|nvidia)\./, ["max_tokens"]],
];

/** `InvokeModel` and `InvokeModelWithResponseStream`: the body is the vendor's own. */
export function readBedrockInvoke(body: Fields, context: ReadingContext): Reading {
  const model = context.route.model ?? "";
  return body.has("anthropic_version") || model.includes("anthropic.") ? readAnthropicMessages(body, context) : readOther(body, model, context);
}

function readOther(body: Fields, model: string, context: ReadingContext): Reading {
  const reading = new Reading();
  reading.model(model);
  reading.isStream = context.route.isStream ?? false;
  reading.cacheWrites = "5m";
  readTools(body, reading);
  const path = LIMITS.find(([vendor]) => vendor.test(model))?.[1] ?? null;
  if (path === null) {
    reading.hasOutput = !/embed/.test(model);
    reading.reference();
    return reading;
  }
  const [first = "", second] = path;
  reading.perChoice = second === undefined ? body.count(first) : body.object(first)?.count(second) ?? null;
  reading.limitEdits = (tokens) => [{ path, value: tokens }];
  reading.choices = Math.max(1, body.count("n") ?? 1, body.count("num_generations") ?? 1);
  for (const message of objectsOf(body.list("messages"))) readContent(message.get("content"), reading, context);
  return reading;
}

/** Of whichever vendor's form. */
function readTools(body: Fields, reading: Reading): void {
  const [own, nova] = [body.list("tools"), body.object("toolConfig")?.list("tools") ?? []];
  reading.toolNames.push(...strayToolNames([...own, ...nova]), ...objectsOf(nova).flatMap(bedrockToolNames));
  for (const tool of objectsOf(own)) {
    const type = tool.text("type") ?? "function";
    reading.toolNames.push(...openAiToolNames(tool, type));
    if (type !== "function") readHostedTool(tool, type, reading);
  }
}

/** Nova's parts have no `type`; all but text may be large and elsewhere. */
function readContent(content: unknown, reading: Reading, context: ReadingContext): void {
  const parts = partsOf(content);
  const isTyped = parts.every((part) => part.has("type"));
  if (isTyped) for (const part of parts) readOpenAiPart(part, reading, context);
  else if (parts.some((part) => part.keys().some((key) => key !== "text"))) reading.reference();
}
