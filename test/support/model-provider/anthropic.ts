import * as z from "zod";
import { jsonWith, Refused, toldUsage, USAGE, type Answering, type Api, type Asked } from "./asked.ts";
import type { Generated } from "./bill.ts";
import { Generation, Interruption, type Piece } from "./generation.ts";
import { inputTokensOf } from "./tokens.ts";

const any = z.unknown().optional();
const block = z.looseObject({ type: z.string() });
/** What the Messages API and its form at Bedrock share. */
export const messageFields = {
  max_tokens: z.number().int().positive(),
  messages: z.array(z.strictObject({ role: z.enum(["user", "assistant", "system"]), content: z.union([z.string(), z.array(block)]) })).min(1),
  system: z.union([z.string(), z.array(block)]).optional(), temperature: any, top_k: any, top_p: any, stop_sequences: any, tool_choice: any, metadata: any,
  tools: z.array(z.looseObject({})).optional(), thinking: z.looseObject({ type: z.enum(["enabled", "disabled", "adaptive"]), budget_tokens: z.number().int().min(1_024).optional() }).optional(),
};
/** https://platform.claude.com/docs/en/api/messages: a field that it does not name is refused. */
const request = z.strictObject({
  ...messageFields, model: z.string().min(1), stream: z.boolean().optional(), cache_control: any, container: any, context_management: any, inference_geo: any, mcp_servers: any,
  output_config: any, output_format: any, service_tier: any, speed: any,
});
type Messages = Pick<z.output<typeof request>, "max_tokens" | "messages" | "system" | "tools" | "thinking">;

/** `api.anthropic.com`. */
export function anthropicApi(): Api {
  return {
    serve: async (asked, answer) => {
      if (asked.method !== "POST" || (asked.path !== "/v1/messages" && asked.path !== "/v1/messages/count_tokens")) return false;
      if (asked.headers["anthropic-version"] !== "2023-06-01" && asked.headers["anthropic-version"] !== "2026-10-21") throw new Refused(400, "anthropic-version: header is required");
      const parsed = (asked.path.endsWith("count_tokens") ? request.partial({ max_tokens: true }) : request).safeParse(asked.body);
      if (!parsed.success) throw new Refused(400, describe(parsed.error));
      const { stream, model, max_tokens: limit = 0, ...rest } = parsed.data;
      const body: Messages = { ...rest, max_tokens: limit };
      if (asked.path.endsWith("count_tokens")) {
        await answer.json(200, { input_tokens: inputOf(body) });
        return true;
      }
      const work = begin(asked, body, { provider: "anthropic", model: asked.plan.answers ?? model, isStream: stream === true });
      if (stream === true) await streamOf(work, answer);
      else await answer.json(200, await messageOf(work));
      return true;
    },
    errorBody: anthropicError,
  };
}

/** One line, in the provider's manner. */
export function describe({ issues: [issue] }: z.ZodError): string {
  if (issue === undefined) return "invalid";
  return issue.code === "unrecognized_keys" ? `${issue.keys.join(", ")}: Extra inputs are not permitted` : `${issue.path.join(".")}: ${issue.message}`;
}

const TYPES: Readonly<Record<number, string>> = { 401: "authentication_error", 404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error", 529: "overloaded_error" };

/** https://platform.claude.com/docs/en/api/errors. */
export function anthropicError({ status, message, type }: Refused): object {
  return { type: "error", error: { type: type ?? TYPES[status] ?? (status < 500 ? "invalid_request_error" : "api_error"), message }, request_id: "req_011CSHoEeqs5C35K2UUqR7Fy" };
}

function inputOf({ messages, system, tools }: Messages): number {
  return inputTokensOf(messages, system, tools);
}

/** @throws Refused for a limit that thinking does not fit into */
export function begin(asked: Asked, body: Messages, { provider, model, isStream }: { readonly provider: string; readonly model: string; readonly isStream: boolean }): Generation {
  const budget = body.thinking?.type === "enabled" ? body.thinking.budget_tokens : undefined;
  if (budget !== undefined && budget >= body.max_tokens) throw new Refused(400, "`max_tokens` must be greater than `thinking.budget_tokens`");
  const call = asked.tally.begin({ host: asked.host, path: asked.path, model, payers: asked.payers, isStream, limit: body.max_tokens, provider });
  return new Generation(call, asked.plan, { input: inputOf(body), limit: body.max_tokens });
}

/** `input_tokens` is without both caches. */
export function anthropicUsage({ input, cacheRead, cacheWrite, output, reasoning }: Generated): Record<string, unknown> {
  return {
    input_tokens: input - cacheRead - cacheWrite, cache_creation_input_tokens: cacheWrite, cache_read_input_tokens: cacheRead,
    cache_creation: { ephemeral_5m_input_tokens: cacheWrite, ephemeral_1h_input_tokens: 0 }, output_tokens: output, service_tier: "standard",
    ...(reasoning > 0 ? { output_tokens_details: { thinking_tokens: reasoning } } : {}),
  };
}

/** The whole message, as JSON. */
export async function messageOf(work: Generation): Promise<string> {
  const [text = ""] = await work.whole();
  const thought = work.generated.reasoning > 0 ? [{ type: "thinking", thinking: "Well.", signature: "EqQBCgIYAhIM" }] : [];
  const message = {
    id: `msg_${work.call.id}`, type: "message", role: "assistant", model: work.call.model, content: [...thought, { type: "text", text }],
    stop_reason: work.isLimited ? "max_tokens" : "end_turn", stop_sequence: null, usage: USAGE,
  };
  return jsonWith(message, toldUsage(work.plan, anthropicUsage(work.generated)));
}

/** The events of a stream, each as JSON with its type. @throws Interruption */
export async function* messageEvents(work: Generation, isHeard: () => boolean): AsyncGenerator<{ readonly type: string; readonly json: string }> {
  const say = (type: string, data: object, usage: string | null = null) => ({ type, json: jsonWith({ type, ...data }, usage) });
  const message = { id: `msg_${work.call.id}`, type: "message", role: "assistant", model: work.call.model, content: [], stop_reason: null, stop_sequence: null, usage: USAGE };
  yield say("message_start", { message }, toldUsage(work.plan, anthropicUsage({ ...work.generated, output: 1 })));
  yield say("ping", {});
  let index = -1;
  let open: Piece["kind"] | null = null;
  for await (const { kind, text } of work.pieces(isHeard)) {
    if (kind !== open) {
      if (open !== null) yield say("content_block_stop", { index });
      [index, open] = [index + 1, kind];
      yield say("content_block_start", { index, content_block: kind === "text" ? { type: "text", text: "" } : { type: "thinking", thinking: "", signature: "" } });
    }
    yield say("content_block_delta", { index, delta: kind === "text" ? { type: "text_delta", text } : { type: "thinking_delta", thinking: text } });
  }
  if (open !== null) yield say("content_block_stop", { index });
  const { output, reasoning } = work.generated;
  const usage = { output_tokens: output, ...(reasoning > 0 ? { output_tokens_details: { thinking_tokens: reasoning } } : {}) };
  yield say("message_delta", { delta: { stop_reason: work.isLimited ? "max_tokens" : "end_turn", stop_sequence: null }, usage: USAGE }, toldUsage(work.plan, usage));
  yield say("message_stop", {});
}

async function streamOf(work: Generation, answer: Answering): Promise<void> {
  answer.begin(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", "request-id": "req_011CSHoEeqs5C35K2UUqR7Fy" });
  try {
    for await (const { type, json } of messageEvents(work, () => answer.isHeard)) await answer.say(`event: ${type}\ndata: ${json}\n\n`);
    answer.end();
  } catch (error) {
    if (!(error instanceof Interruption)) throw error;
    if (error.kind === "drop") return answer.drop();
    await answer.say(`event: error\ndata: ${JSON.stringify({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } })}\n\n`);
    answer.end();
  }
}
