import * as z from "zod";
import { inPieces, lastWords, TASK_COMMAND, TASK_OUTPUT } from "./agent-task.ts";
import { jsonOf, sendJson, type Answer, type Ask, type Seen, type StandIn } from "./stand-in.ts";

/** Messages API, https://platform.claude.com/docs/en/api/messages: fields that the documentation does not name are left alone. */
const block = z.looseObject({ type: z.string() });
const request = z.looseObject({
  model: z.string().min(1),
  max_tokens: z.number().int().positive(),
  messages: z.array(z.looseObject({ role: z.enum(["user", "assistant", "system"]), content: z.union([z.string(), z.array(block)]) })).min(1),
  stream: z.boolean().default(false),
  system: z.union([z.string(), z.array(z.looseObject({ type: z.literal("text"), text: z.string() }))]).optional(),
  tools: z.array(z.looseObject({ name: z.string().min(1), input_schema: z.looseObject({ type: z.literal("object") }).optional() })).default([]),
});
type Request = z.output<typeof request>;
const countRequest = request.omit({ max_tokens: true });
const toolResult = z.looseObject({ type: z.literal("tool_result"), tool_use_id: z.string(), content: z.unknown() });

/** Claude Code and the libraries ask in different versions of the API. */
const VERSIONS = new Set(["2023-06-01", "2026-10-21"]);

const TOOL_USE_ID = "toolu_01A09q90qw90lq917835lq9";
const USAGE = { input_tokens: 2_095, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 1 };

/** `api.anthropic.com`. Takes the real key alone, in `x-api-key`. */
export function anthropicApi(realKey: string): StandIn {
  return {
    hosts: ["api.anthropic.com"],
    serve: (ask, answer) => {
      const sent = ask.headers["x-api-key"];
      const credential = sent === realKey ? "real" : sent === undefined && ask.headers.authorization === undefined ? "none" : "other";
      // Names like x-request-seen exist at careless services; whatever they hold must not reach the agent.
      answer.setHeader("x-key-seen", String(sent ?? ""));
      const note = (fault: string | null, step = ""): Omit<Seen, "host" | "method" | "path"> => ({ credential, fault, step });
      if (credential !== "real") return note(refuse(answer, 401, "authentication_error", credential === "none" ? "x-api-key header is required" : "invalid x-api-key"));
      if (ask.path === "/v1/messages" && ask.method === "POST") return messages(ask, answer, realKey, note);
      if (ask.path === "/v1/messages/count_tokens" && ask.method === "POST") return countTokens(ask, answer, note);
      if (ask.path === "/v1/models" && ask.method === "GET") {
        sendJson(answer, 200, { data: [], has_more: false, first_id: null, last_id: null });
        return note(null, "models");
      }
      return note(refuse(answer, 404, "not_found_error", "Not found"));
    },
  };
}

type Note = (fault: string | null, step?: string) => Omit<Seen, "host" | "method" | "path">;

function messages(ask: Ask, answer: Answer, realKey: string, note: Note): ReturnType<Note> {
  const parsed = request.safeParse(jsonOf(ask.body));
  const fault = faultOfHead(ask) ?? (parsed.success ? faultOfTools(parsed.data) : z.prettifyError(parsed.error));
  if (!parsed.success || fault !== null) return note(refuse(answer, 400, "invalid_request_error", fault ?? "malformed"));
  const result = resultOf(parsed.data);
  if (result !== null && !TASK_OUTPUT.test(result)) return note(refuse(answer, 400, "invalid_request_error", `the tool result is not of the task: ${result.slice(0, 200)}`));
  const shell = result === null ? parsed.data.tools.find(({ name }) => name === "Bash" || name === "run_command") : undefined;
  const content = shell === undefined
    ? { start: { type: "text", text: "" }, deltas: lastWords(realKey).map((text) => ({ type: "text_delta", text })), stop: "end_turn" }
    : { start: { type: "tool_use", id: TOOL_USE_ID, name: shell.name, input: {} }, deltas: toolInput(), stop: "tool_use" };
  if (!parsed.data.stream) return note(refuse(answer, 400, "invalid_request_error", "this stand-in streams alone"));
  stream(answer, parsed.data.model, content);
  return note(null, shell !== undefined ? "tool call" : result !== null ? "tool result" : "text");
}

function toolInput(): readonly object[] {
  const input = JSON.stringify({ command: TASK_COMMAND, description: "Calculates" });
  return [{ type: "input_json_delta", partial_json: "" }, ...inPieces(input).map((piece) => ({ type: "input_json_delta", partial_json: piece }))];
}

/** Order of the events: https://platform.claude.com/docs/en/build-with-claude/streaming. */
function stream(answer: Answer, model: string, { start, deltas, stop }: { readonly start: object; readonly deltas: readonly object[]; readonly stop: string }): void {
  const message = { id: "msg_01XFDUDYJgAACzvnptvVoYEL", type: "message", role: "assistant", model, content: [], stop_reason: null, stop_sequence: null, usage: USAGE };
  answer.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", "request-id": "req_011CSHoEeqs5C35K2UUqR7Fy" });
  const send = (type: string, data: object) => answer.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  send("message_start", { message });
  send("content_block_start", { index: 0, content_block: start });
  send("ping", {});
  for (const delta of deltas) send("content_block_delta", { index: 0, delta });
  send("content_block_stop", { index: 0 });
  send("message_delta", { delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: 89 } });
  send("message_stop", {});
  answer.end();
}

function countTokens(ask: Ask, answer: Answer, note: Note): ReturnType<Note> {
  const parsed = countRequest.safeParse(jsonOf(ask.body));
  if (!parsed.success) return note(refuse(answer, 400, "invalid_request_error", z.prettifyError(parsed.error)));
  sendJson(answer, 200, { input_tokens: Math.ceil(ask.body.byteLength / 4) });
  return note(null, "count");
}

function faultOfHead({ headers }: Ask): string | null {
  if (!VERSIONS.has(String(headers["anthropic-version"]))) return "anthropic-version: header is required";
  if (!(headers["content-type"] ?? "").startsWith("application/json")) return "content-type must be application/json";
  return headers.authorization === undefined ? null : "both x-api-key and authorization were sent";
}

/** Each result answers a call of the message before it, as the documentation of tool use asks. */
function faultOfTools({ messages: all }: Request): string | null {
  for (const [index, { role, content }] of all.entries()) {
    const calls = JSON.stringify(all.slice(0, index).findLast((before) => before.role === "assistant")?.content ?? "");
    const stray = resultsIn(content).find(({ tool_use_id: id }) => role !== "user" || !calls.includes(JSON.stringify(id)));
    if (stray !== undefined) return `messages.${index}: tool_result ${stray.tool_use_id} answers no tool_use`;
  }
  return null;
}

function resultOf({ messages: all }: Request): string | null {
  const results = all.flatMap(({ content }) => resultsIn(content)).filter(({ tool_use_id: id }) => id === TOOL_USE_ID);
  return results.length === 0 ? null : JSON.stringify(results);
}

function resultsIn(content: Request["messages"][number]["content"]): readonly z.output<typeof toolResult>[] {
  return typeof content === "string" ? [] : content.flatMap((one) => toolResult.safeParse(one).data ?? []);
}

/** Errors: https://platform.claude.com/docs/en/api/errors. @returns the message */
function refuse(answer: Answer, status: number, type: string, message: string): string {
  sendJson(answer, status, { type: "error", error: { type, message }, request_id: "req_011CSHoEeqs5C35K2UUqR7Fy" });
  return message;
}
