import * as z from "zod";
import { jsonWith, Refused, toldUsage, USAGE, type Answering, type Api } from "./asked.ts";
import { billOf, type Generated } from "./bill.ts";
import { Generation, Interruption } from "./generation.ts";
import { inputTokensOf } from "./tokens.ts";

const any = z.unknown().optional();
const count = z.number().int().positive().nullish();
const message = z.looseObject({
  role: z.enum(["system", "developer", "user", "assistant", "tool", "function"]), content: z.union([z.string(), z.array(z.looseObject({ type: z.string() })), z.null()]).optional(),
});
const shared = {
  model: z.string().min(1), messages: z.array(message).min(1), stream: z.boolean().nullish(), max_tokens: count, n: z.number().int().min(1).max(128).nullish(),
  temperature: any, top_p: any, stop: any, tools: any, tool_choice: any, response_format: any, presence_penalty: any, frequency_penalty: any, parallel_tool_calls: any, prediction: any, metadata: any,
};

/** https://developers.openai.com/api/reference/resources/chat: a field that it does not name is refused. */
const openai = z.strictObject({
  ...shared, max_completion_tokens: count, stream_options: z.strictObject({ include_usage: z.boolean().nullish(), include_obfuscation: z.boolean().nullish() }).nullish(),
  audio: any, function_call: any, functions: any, logit_bias: any, logprobs: any, modalities: any, prompt_cache_key: any, prompt_cache_retention: any, prompt_cache_options: any,
  reasoning_effort: any, safety_identifier: any, seed: any,
  service_tier: z.enum(["auto", "default", "flex", "priority", "scale"]).nullish(), store: any, top_logprobs: any, user: any, verbosity: any, web_search_options: any,
});
/** https://docs.mistral.ai/api: there are no stream options, the usage comes unasked. */
const mistral = z.strictObject({ ...shared, random_seed: any, safe_prompt: any, prompt_mode: any, reasoning_effort: any, guardrails: any, prompt_cache_key: any });
/** https://openrouter.ai/docs/api/reference/overview: fields of many models pass. */
const openrouter = z.looseObject({
  ...shared, max_completion_tokens: count, stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(), usage: z.strictObject({ include: z.boolean() }).nullish(),
});
type Request = z.output<typeof openai> & { readonly usage?: { readonly include: boolean } | null | undefined };

interface Dialect {
  readonly provider: "openai" | "mistral" | "openrouter" | "azure";
  readonly schema: z.ZodType;
  readonly path: RegExp;
  readonly malformedStatus: number;
}
export const OPENAI: Dialect = { provider: "openai", schema: openai, path: /^\/v1\/chat\/completions$/, malformedStatus: 400 };
export const MISTRAL: Dialect = { provider: "mistral", schema: mistral, path: /^\/v1\/chat\/completions$/, malformedStatus: 422 };
export const OPENROUTER: Dialect = { provider: "openrouter", schema: openrouter, path: /^\/api\/v1\/chat\/completions$/, malformedStatus: 400 };

/** Models that refuse `max_tokens`. */
const REASONING_MODEL = /^(o\d|gpt-[5-9])/;

/** Chat completions, of OpenAI and those who speak it. */
export function chatApi(dialect: Dialect): Api {
  return {
    serve: async (asked, answer) => {
      if (!dialect.path.test(asked.path) || asked.method !== "POST") return false;
      const request = read(dialect, asked.body);
      const limit = request.max_completion_tokens ?? request.max_tokens ?? null;
      const choices = request.n ?? 1;
      const isStream = request.stream === true;
      const model = asked.plan.answers ?? request.model;
      const { host, path, payers, tally } = asked;
      const call = tally.begin({ host, path, model, payers, isStream, limit: limit === null ? null : limit * choices, provider: dialect.provider });
      const work = new Generation(call, asked.plan, { input: inputTokensOf(request.messages, request.tools, request.functions, request.response_format), limit, choices });
      const isUsageAsked = dialect.provider === "mistral" || request.stream_options?.include_usage === true || request.usage?.include === true;
      await (isStream ? stream({ dialect, work, isUsageAsked }, answer) : whole({ dialect, work, isUsageAsked: true }, answer));
      return true;
    },
    errorBody: (refused) => errorBody(dialect, refused),
  };
}

function read(dialect: Dialect, body: unknown): Request {
  const parsed = dialect.schema.safeParse(body);
  const issue = parsed.error?.issues[0];
  if (issue?.code === "unrecognized_keys") throw new Refused(dialect.malformedStatus, `Unrecognized request argument supplied: ${issue.keys.join(", ")}`);
  if (issue !== undefined) throw new Refused(dialect.malformedStatus, `${issue.path.join(".")}: ${issue.message}`);
  const request = parsed.data as Request;
  if (dialect.provider !== "openai") return request;
  const hasStreamOptions = request.stream_options !== undefined && request.stream_options !== null;
  if (hasStreamOptions && request.stream !== true) throw new Refused(400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.");
  const isTwice = typeof request.max_tokens === "number" && typeof request.max_completion_tokens === "number";
  if (isTwice) throw new Refused(400, "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.");
  if (typeof request.max_tokens === "number" && REASONING_MODEL.test(request.model)) {
    throw new Refused(400, "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.");
  }
  return request;
}

interface Work {
  readonly dialect: Dialect;
  readonly work: Generation;
  readonly isUsageAsked: boolean;
}

function usageOf({ provider }: Dialect, model: string, generated: Generated): Readonly<Record<string, unknown>> {
  const { input, cacheRead, output, reasoning } = generated;
  return {
    prompt_tokens: input, completion_tokens: output, total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cacheRead, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: reasoning, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
    ...(provider === "openrouter" ? { cost: Number(billOf(provider, model, generated)) / 1e9, is_byok: false } : {}),
  };
}

function headOf({ work }: Work, object: string): Record<string, unknown> {
  return { id: `chatcmpl-${work.call.id}`, object, created: 1_790_000_000, model: work.call.model, service_tier: "default", system_fingerprint: "fp_44709d6fcb" };
}

function toldBy({ dialect, work }: Work): string | null {
  return toldUsage(work.plan, usageOf(dialect, work.call.model, work.generated));
}

async function whole(one: Work, answer: Answering): Promise<void> {
  const texts = await one.work.whole();
  const finish = one.work.isLimited ? "length" : "stop";
  const choices = texts.map((content, index) => ({ index, message: { role: "assistant", content, refusal: null, annotations: [] }, logprobs: null, finish_reason: finish }));
  await answer.json(200, jsonWith({ ...headOf(one, "chat.completion"), choices, usage: USAGE }, toldBy(one)));
}

async function stream(one: Work, answer: Answering): Promise<void> {
  const { work, isUsageAsked, dialect } = one;
  const head = headOf(one, "chat.completion.chunk");
  const isMistral = dialect.provider === "mistral";
  const more = isUsageAsked && !isMistral ? { usage: null } : {};
  const event = async (choices: readonly object[]) => answer.say(`data: ${JSON.stringify({ ...head, choices, ...more })}\n\n`);
  answer.begin(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
  const each = Array.from({ length: work.choices }, (_, index) => index);
  await event(each.map((index) => ({ index, delta: { role: "assistant", content: "", refusal: null }, logprobs: null, finish_reason: null })));
  try {
    for await (const { kind, choice, text } of work.pieces(() => answer.isHeard)) {
      if (kind === "text") await event([{ index: choice, delta: { content: text }, logprobs: null, finish_reason: null }]);
    }
  } catch (error) {
    if (error instanceof Interruption) return answer.drop();
    throw error;
  }
  const ends = each.map((index) => ({ index, delta: {}, logprobs: null, finish_reason: work.isLimited ? "length" : "stop" }));
  if (isMistral) await answer.say(`data: ${jsonWith({ ...head, choices: ends, usage: USAGE }, toldBy(one))}\n\n`);
  else await event(ends);
  if (isUsageAsked && !isMistral) await answer.say(`data: ${jsonWith({ ...head, choices: [], usage: USAGE }, toldBy(one))}\n\n`);
  await answer.say("data: [DONE]\n\n");
  answer.end();
}

/** https://developers.openai.com/api/docs/guides/error-codes; Mistral and OpenRouter write their own. */
function errorBody({ provider }: Dialect, { status, message: text, type }: Refused): object {
  if (provider === "mistral") return { object: "error", message: text, type: type ?? "invalid_request_error", param: null, code: null };
  if (provider === "openrouter") return { error: { code: status, message: text } };
  return { error: { message: text, type: type ?? (status === 429 ? "requests" : status >= 500 ? "server_error" : "invalid_request_error"), param: null, code: null } };
}
