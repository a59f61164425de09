import * as z from "zod";
import { begin, describe, messageEvents, messageFields, messageOf } from "./anthropic.ts";
import { jsonWith, Refused, toldUsage, USAGE, type Answering, type Api, type Asked } from "./asked.ts";
import { eventStreamFrame } from "./event-stream-frame.ts";
import { Generation, Interruption } from "./generation.ts";
import { inputTokensOf } from "./tokens.ts";

const any = z.unknown().optional();
const blocks = z.array(z.looseObject({}));
/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html. */
const converse = z.strictObject({
  messages: z.array(z.strictObject({ role: z.enum(["user", "assistant"]), content: blocks })).min(1), system: blocks.optional(),
  inferenceConfig: z.strictObject({ maxTokens: z.number().int().positive().optional(), temperature: any, topP: any, stopSequences: any }).optional(),
  toolConfig: any, guardrailConfig: any, additionalModelRequestFields: any, promptVariables: any, additionalModelResponseFieldPaths: any, requestMetadata: any, performanceConfig: any,
  serviceTier: any, outputConfig: any,
});
/** https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html: the model is in the path. */
const invoke = z.strictObject({ ...messageFields, anthropic_version: z.literal("bedrock-2023-05-31"), anthropic_beta: any, output_config: any });

const PATH = /^\/model\/([^/]+)\/(converse|converse-stream|invoke|invoke-with-response-stream)$/;

/** `bedrock-runtime.REGION.amazonaws.com`, models of Anthropic. */
export function bedrockApi(): Api {
  return {
    serve: async (asked, answer) => {
      const [, id, operation] = PATH.exec(asked.path) ?? [];
      if (id === undefined || asked.method !== "POST") return false;
      const model = asked.plan.answers ?? decodeURIComponent(id);
      if (operation === "converse" || operation === "converse-stream") await converseWith({ asked, model, isStream: operation === "converse-stream" }, answer);
      else await invokeWith({ asked, model, isStream: operation === "invoke-with-response-stream" }, answer);
      return true;
    },
    errorBody: ({ message }) => ({ message }),
  };
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: "ValidationException", 403: "AccessDeniedException", 404: "ResourceNotFoundException", 429: "ThrottlingException", 503: "ServiceUnavailableException",
};

/** Of the status, as AWS names it in `x-amzn-errortype`. */
export function awsErrorType(status: number): string {
  return ERROR_TYPES[status] ?? "InternalServerException";
}

interface Wanted {
  readonly asked: Asked;
  readonly model: string;
  readonly isStream: boolean;
}

async function converseWith({ asked, model, isStream }: Wanted, answer: Answering): Promise<void> {
  const parsed = converse.safeParse(asked.body);
  if (!parsed.success) throw new Refused(400, describe(parsed.error));
  const { messages, system, toolConfig, inferenceConfig } = parsed.data;
  const limit = inferenceConfig?.maxTokens ?? null;
  const call = asked.tally.begin({ host: asked.host, path: asked.path, model, payers: asked.payers, isStream, limit, provider: "aws" });
  const work = new Generation(call, asked.plan, { input: inputTokensOf(messages, system, toolConfig), limit });
  if (isStream) return framed(answer, converseEvents(work, answer));
  const [text = ""] = await work.whole();
  const body = { output: { message: { role: "assistant", content: [{ text }] } }, stopReason: stopOf(work), usage: USAGE, metrics: { latencyMs: 12 } };
  await answer.json(200, jsonWith(body, converseUsage(work)));
}

function stopOf(work: Generation): string {
  return work.isLimited ? "max_tokens" : "end_turn";
}

/** `inputTokens` is without both caches. */
function converseUsage(work: Generation): string | null {
  const { input, cacheRead, cacheWrite, output } = work.generated;
  return toldUsage(work.plan, {
    inputTokens: input - cacheRead - cacheWrite, outputTokens: output, totalTokens: input + output,
    ...(cacheRead + cacheWrite > 0 ? { cacheReadInputTokens: cacheRead, cacheWriteInputTokens: cacheWrite } : {}),
  });
}

async function* converseEvents(work: Generation, answer: Answering): AsyncGenerator<Buffer> {
  const event = (type: string, json: string) => eventStreamFrame({ ":event-type": type, ":content-type": "application/json", ":message-type": "event" }, json);
  yield event("messageStart", '{"role":"assistant"}');
  for await (const { kind, text } of work.pieces(() => answer.isHeard)) {
    yield event("contentBlockDelta", JSON.stringify({ contentBlockIndex: 0, delta: kind === "text" ? { text } : { reasoningContent: { text } } }));
  }
  yield event("contentBlockStop", '{"contentBlockIndex":0}');
  yield event("messageStop", JSON.stringify({ stopReason: stopOf(work) }));
  yield event("metadata", jsonWith({ usage: USAGE, metrics: { latencyMs: 12 } }, converseUsage(work)));
}

async function invokeWith({ asked, model, isStream }: Wanted, answer: Answering): Promise<void> {
  const parsed = invoke.safeParse(asked.body);
  if (!parsed.success) throw new Refused(400, describe(parsed.error));
  const work = begin(asked, parsed.data, { provider: "aws", model, isStream });
  if (isStream) return framed(answer, invokeEvents(work, answer));
  const body = await messageOf(work);
  const { input, cacheRead, cacheWrite, output } = work.generated;
  await answer.json(200, body, {
    "x-amzn-bedrock-input-token-count": String(input - cacheRead - cacheWrite), "x-amzn-bedrock-output-token-count": String(output),
    "x-amzn-bedrock-cache-read-input-token-count": String(cacheRead), "x-amzn-bedrock-cache-write-input-token-count": String(cacheWrite), "x-amzn-bedrock-invocation-latency": "12",
  });
}

/** The provider's own events in Base64; the last has Bedrock's metrics besides. */
async function* invokeEvents(work: Generation, answer: Answering): AsyncGenerator<Buffer> {
  for await (const { type, json } of messageEvents(work, () => answer.isHeard)) {
    const bytes = Buffer.from(type === "message_stop" ? metricsOf(work) : json).toString("base64");
    yield eventStreamFrame({ ":event-type": "chunk", ":content-type": "application/json", ":message-type": "event" }, JSON.stringify({ bytes }));
  }
}

function metricsOf(work: Generation): string {
  const { input, cacheRead, cacheWrite, output } = work.generated;
  const metrics = {
    inputTokenCount: input - cacheRead - cacheWrite, outputTokenCount: output, cacheReadInputTokenCount: cacheRead, cacheWriteInputTokenCount: cacheWrite, invocationLatency: 12, firstByteLatency: 3,
  };
  return JSON.stringify({ type: "message_stop", ...(work.plan.isUsageMissing ? {} : { "amazon-bedrock-invocationMetrics": metrics }) });
}

async function framed(answer: Answering, frames: AsyncGenerator<Buffer>): Promise<void> {
  answer.begin(200, { "content-type": "application/vnd.amazon.eventstream" });
  try {
    for await (const frame of frames) await answer.say(frame);
    answer.end();
  } catch (error) {
    if (!(error instanceof Interruption)) throw error;
    if (error.kind === "drop") return answer.drop();
    await answer.say(eventStreamFrame({ ":exception-type": "modelStreamErrorException", ":content-type": "application/json", ":message-type": "exception" }, '{"message":"The model failed"}'));
    answer.end();
  }
}
