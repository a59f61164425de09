import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import * as z from "zod";
import { jsonWith, Refused, toldUsage, USAGE, type Answering, type Api, type Asked } from "./asked.ts";
import { Generation, Interruption } from "./generation.ts";
import { inputTokensOf } from "./tokens.ts";

const any = z.unknown().optional();
/** https://developers.openai.com/api/reference/resources/responses: a field that it does not name is refused. */
const request = z.strictObject({
  model: z.string().min(1), input: z.union([z.string().min(1), z.array(z.looseObject({})).min(1)]), stream: z.boolean().nullish(), max_output_tokens: z.number().int().min(16).nullish(),
  stream_options: z.strictObject({ include_obfuscation: z.boolean().nullish() }).nullish(), instructions: z.string().nullish(), tools: z.array(z.looseObject({ type: z.string() })).nullish(),
  background: any, context_management: any, conversation: any, include: any, max_tool_calls: any, metadata: any, moderation: any, parallel_tool_calls: any, previous_response_id: any, prompt: any,
  prompt_cache_key: any, prompt_cache_options: any, prompt_cache_retention: any, reasoning: any, safety_identifier: any, service_tier: any, store: any, temperature: any, text: any, tool_choice: any,
  top_logprobs: any, top_p: any, truncation: any, user: any, client_metadata: any,
});
type Request = z.output<typeof request>;
const overSocket = z.looseObject({ type: z.literal("response.create"), stream_id: z.string().optional(), generate: z.boolean().optional() });

const PATH = "/v1/responses";

export function responsesApi(): Api {
  return {
    serve: async (asked, answer) => {
      if (asked.path !== PATH || asked.method !== "POST") return false;
      const body = read(asked.body);
      const work = begin(asked, body);
      if (body.stream === true) await stream(work, answer);
      else await answer.json(200, await whole(work));
      return true;
    },
    errorBody: ({ status, message, type }) => ({ error: { message, type: type ?? (status === 429 ? "requests" : status >= 500 ? "server_error" : "invalid_request_error"), param: null, code: null } }),
  };
}

function read(body: unknown): Request {
  const parsed = request.safeParse(body);
  const issue = parsed.error?.issues[0];
  if (issue !== undefined) throw new Refused(400, issue.code === "unrecognized_keys" ? `Unknown parameter: '${issue.keys.join(", ")}'.` : `${issue.path.join(".")}: ${issue.message}`);
  return parsed.data as Request;
}

function begin(asked: Asked, body: Request): Generation {
  const limit = body.max_output_tokens ?? null;
  const call = asked.tally.begin({ host: asked.host, path: asked.path, model: asked.plan.answers ?? body.model, payers: asked.payers, isStream: body.stream === true, limit, provider: "openai" });
  return new Generation(call, asked.plan, { input: inputTokensOf(body.input, body.instructions, body.tools), limit });
}

function responseOf(work: Generation, status: string, output: readonly object[]): object {
  return {
    id: `resp_${work.call.id}`, object: "response", created_at: 1_790_000_000, status, error: null, incomplete_details: status === "incomplete" ? { reason: "max_output_tokens" } : null,
    instructions: null, max_output_tokens: work.call.limit, model: work.call.model, output, parallel_tool_calls: true, previous_response_id: null, service_tier: "default", store: true,
    temperature: 1, text: { format: { type: "text" } }, tool_choice: "auto", tools: [], top_p: 1, truncation: "disabled", usage: status === "in_progress" ? null : USAGE, metadata: {},
  };
}

function usageOf(work: Generation): string | null {
  const { input, cacheRead, output, reasoning } = work.generated;
  return toldUsage(work.plan, {
    input_tokens: input, input_tokens_details: { cached_tokens: cacheRead }, output_tokens: output, output_tokens_details: { reasoning_tokens: reasoning }, total_tokens: input + output,
  });
}

function messageOf(work: Generation, text: string, status: string): object {
  return { id: `msg_${work.call.id}`, type: "message", status, role: "assistant", content: status === "in_progress" ? [] : [{ type: "output_text", text, annotations: [], logprobs: [] }] };
}

async function whole(work: Generation): Promise<string> {
  const [text = ""] = await work.whole();
  return jsonWith(responseOf(work, work.isLimited ? "incomplete" : "completed", [messageOf(work, text, "completed")]), usageOf(work));
}

/** https://developers.openai.com/api/reference/resources/responses/streaming-events. @throws Interruption */
async function* events(work: Generation, isHeard: () => boolean): AsyncGenerator<{ readonly type: string; readonly json: string }> {
  let number = 0;
  const say = (type: string, data: object, usage: string | null = null) => ({ type, json: jsonWith({ type, sequence_number: number++, ...data }, usage) });
  const place = { output_index: 0, item_id: `msg_${work.call.id}`, content_index: 0 };
  let said = "";
  yield say("response.created", { response: responseOf(work, "in_progress", []) });
  yield say("response.output_item.added", { output_index: 0, item: messageOf(work, "", "in_progress") });
  yield say("response.content_part.added", { ...place, part: { type: "output_text", text: "", annotations: [], logprobs: [] } });
  for await (const { kind, text } of work.pieces(isHeard)) {
    if (kind !== "text") continue;
    said += text;
    yield say("response.output_text.delta", { ...place, delta: text, logprobs: [] });
  }
  yield say("response.output_text.done", { ...place, text: said, logprobs: [] });
  yield say("response.output_item.done", { output_index: 0, item: messageOf(work, said, "completed") });
  const status = work.isLimited ? "incomplete" : "completed";
  yield say(`response.${status}`, { response: responseOf(work, status, [messageOf(work, said, "completed")]) }, usageOf(work));
}

async function stream(work: Generation, answer: Answering): Promise<void> {
  answer.begin(200, { "content-type": "text/event-stream; charset=utf-8" });
  try {
    for await (const { type, json } of events(work, () => answer.isHeard)) await answer.say(`event: ${type}\ndata: ${json}\n\n`);
    answer.end();
  } catch (error) {
    if (!(error instanceof Interruption)) throw error;
    if (error.kind === "drop") return answer.drop();
    await answer.say(`event: error\ndata: ${JSON.stringify({ type: "error", code: "server_error", message: "The server had an error", param: null, sequence_number: 99 })}\n\n`);
    answer.end();
  }
}

/** WebSocket mode: each `response.create` is answered by the events that HTTP would stream (https://developers.openai.com/api/docs/guides/websocket-mode). */
export function overWebSocket(asked: Asked, { upgrade, socket, head }: { readonly upgrade: IncomingMessage; readonly socket: Duplex; readonly head: Buffer }): void {
  new WebSocketServer({ noServer: true }).handleUpgrade(upgrade, socket, head, (peer) => {
    peer.on("message", (data: Buffer) => { answerFrame(asked, peer, data).catch((error: unknown) => { refuseFrame(peer, error); }); });
  });
}

async function answerFrame(asked: Asked, peer: WebSocket, data: Buffer): Promise<void> {
  const { type: _, stream_id: streamId, generate: isAnswered = true, ...body } = overSocket.parse(JSON.parse(data.toString()));
  const work = begin(isAnswered ? asked : { ...asked, plan: { ...asked.plan, output: 0, reasoning: 0 } }, read({ ...body, stream: true }));
  for await (const { json } of events(work, () => peer.readyState === peer.OPEN)) peer.send(streamId === undefined ? json : `{"stream_id":${JSON.stringify(streamId)},${json.slice(1)}`);
}

function refuseFrame(peer: WebSocket, error: unknown): void {
  if (error instanceof Interruption) peer.terminate();
  else peer.send(JSON.stringify({ type: "error", status: 400, error: { type: "invalid_request_error", code: null, message: error instanceof Error ? error.message : "malformed", param: null } }));
}
