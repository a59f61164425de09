import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import * as z from "zod";
import { TASK_OUTPUT } from "./agent-task.ts";
import { CALL_ID, callItem, messageItem, responseEvents, type OutputItem } from "./openai-events.ts";
import { jsonOf, sendJson, type Answer, type Ask, type Seen, type StandIn } from "./stand-in.ts";

/** Responses API, https://developers.openai.com/api/reference/resources/responses: fields that the documentation does not name are left alone. */
const item = z.looseObject({ type: z.string().default("message"), role: z.string().optional(), call_id: z.string().optional(), output: z.unknown().optional() });
const tool = z.looseObject({ type: z.string().min(1), name: z.string().optional() });
type Tool = Readonly<Record<string, unknown>>;
const request = z.looseObject({
  model: z.string().min(1),
  input: z.union([z.string(), z.array(item)]),
  stream: z.boolean().optional(),
  tools: z.array(tool).default([]),
  max_output_tokens: z.number().int().min(16).nullish(),
  previous_response_id: z.string().nullish(),
  // Of WebSocket mode: false asks for no output, to have everything ready for the turn that follows.
  generate: z.boolean().default(true),
}).refine(({ input, generate }) => input.length > 0 || !generate, { error: "must not be empty", path: ["input"] });
type Request = z.output<typeof request>;

type Noted = Omit<Seen, "host" | "method" | "path">;

/** What the model does next, or why the request is none. */
type Turn = { readonly output: OutputItem | null; readonly step: string } | { readonly fault: string };

/** `api.openai.com`. Takes the real key alone, as a bearer token; over HTTP with events of the server, and over a WebSocket. */
export function openaiApi(realKey: string): StandIn {
  const sockets = new WebSocketServer({ noServer: true });
  return {
    hosts: ["api.openai.com"],
    serve: (ask, answer) => {
      const credential = credentialOf(ask.headers.authorization, realKey);
      answer.setHeader("x-key-seen", String(ask.headers.authorization ?? ""));
      if (credential !== "real") return { credential, fault: refuse(answer, 401, "invalid_api_key", wrongKey(credential)), step: "" };
      if (ask.path === "/v1/models" && ask.method === "GET") {
        sendJson(answer, 200, { object: "list", data: [] });
        return { credential, fault: null, step: "models" };
      }
      if (ask.path === "/v1/responses" && ask.method === "POST") return { credential, ...overHttp(ask, answer, realKey) };
      return { credential, fault: refuse(answer, 404, null, `Invalid URL (${ask.method} ${ask.path})`), step: "" };
    },
    upgrade: (asked, socket, head, note) => { overWebSocket(sockets, realKey, { asked, socket, head, note }); },
  };
}

function overHttp(ask: Ask, answer: Answer, realKey: string): { readonly fault: string | null; readonly step: string } {
  const body = request.safeParse(jsonOf(ask.body));
  const turn = body.success ? nextTurn(body.data, realKey) : { fault: z.prettifyError(body.error) };
  if (!body.success || "fault" in turn) return { fault: refuse(answer, 400, null, "fault" in turn ? turn.fault : "malformed"), step: "" };
  if (body.data.stream !== true) return { fault: refuse(answer, 400, null, "this stand-in streams alone"), step: "" };
  answer.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "x-request-id": "req_6b1f0b7a" });
  for (const event of responseEvents({ id: "resp_67ccd2bed1ec8190b14f964abc054267", model: body.data.model }, turn.output)) answer.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  answer.end();
  return { fault: null, step: turn.step };
}

/** WebSocket mode: each `response.create` is answered by the events that HTTP would stream (https://developers.openai.com/api/docs/guides/websocket-mode). */
function overWebSocket(sockets: WebSocketServer, realKey: string,
  { asked, socket, head, note }: { asked: IncomingMessage; socket: Duplex; head: Buffer; note: (seen: Noted) => void }): void {
  const credential = credentialOf(asked.headers.authorization, realKey);
  if (credential !== "real") {
    const body = JSON.stringify(errorBody("invalid_api_key", wrongKey(credential)));
    note({ credential, fault: wrongKey(credential), step: "" });
    socket.end(`HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
    return;
  }
  sockets.handleUpgrade(asked, socket, head, (peer) => {
    const given = new Set<string>();
    peer.on("message", (data: Buffer) => {
      const body = z.looseObject({ type: z.literal("response.create") }).and(request).safeParse(jsonOf(data));
      const turn = body.success ? turnOverWebSocket(body.data, given, realKey) : { fault: z.prettifyError(body.error) };
      note({ credential, fault: "fault" in turn ? turn.fault : null, step: "fault" in turn ? "" : `${turn.step} over WebSocket` });
      if (!body.success || "fault" in turn) {
        peer.send(JSON.stringify({ type: "error", status: 400, ...errorBody(null, "fault" in turn ? turn.fault : "malformed") }));
        return;
      }
      const id = `resp_${randomUUID().replaceAll("-", "")}`;
      given.add(id);
      for (const event of responseEvents({ id, model: body.data.model }, turn.output)) peer.send(JSON.stringify(event));
    });
  });
}

/** A client may send only what is new since a response of the same connection, and name that. */
function turnOverWebSocket(body: Request, given: ReadonlySet<string>, realKey: string): Turn {
  const before = body.previous_response_id ?? null;
  if (before !== null && !given.has(before)) return { fault: `Previous response with id '${before}' not found.` };
  return body.generate ? nextTurn(body, realKey) : { output: null, step: "warm-up" };
}

function asItems(input: Request["input"]): readonly z.output<typeof item>[] {
  return typeof input === "string" ? [{ type: "message", role: "user" }] : input;
}

/** A tool that can run the task is called once; when its output is there, the model speaks. */
function nextTurn(body: Request, realKey: string): Turn {
  const outputs = asItems(body.input).filter(({ type }) => type.endsWith("_call_output"));
  const stray = outputs.find(({ call_id: id }) => id !== CALL_ID);
  if (stray !== undefined) return { fault: `No tool call found for the output with call_id ${stray.call_id}.` };
  if (outputs.length > 0) {
    const told = JSON.stringify(outputs);
    return TASK_OUTPUT.test(told) ? { output: messageItem(realKey), step: "tool result" } : { fault: `the tool output is not of the task: ${told.slice(0, 300)}` };
  }
  const call = callItem([...body.tools, ...asItems(body.input).flatMap(toolsOf)]);
  return call === null ? { output: messageItem(realKey), step: "text" } : { output: call, step: "tool call" };
}

/** Tools may come as an item of the input too, and in namespaces. */
function toolsOf(one: z.output<typeof item>): readonly Tool[] {
  const inItem = z.array(tool.extend({ tools: z.array(tool).optional() })).safeParse(one["tools"]).data ?? [];
  return inItem.flatMap((each): readonly Tool[] => each.tools?.map((inner) => ({ ...inner, namespace: each.name })) ?? [each]);
}

function credentialOf(authorization: string | undefined, realKey: string): Noted["credential"] {
  return authorization === undefined ? "none" : authorization === `Bearer ${realKey}` ? "real" : "other";
}

function wrongKey(credential: Noted["credential"]): string {
  return credential === "none" ? "You didn't provide an API key." : "Incorrect API key provided.";
}

function errorBody(code: string | null, message: string): object {
  return { error: { message, type: "invalid_request_error", param: null, code } };
}

/** Errors: https://developers.openai.com/api/docs/guides/error-codes. @returns the message */
function refuse(answer: Answer, status: number, code: string | null, message: string): string {
  sendJson(answer, status, errorBody(code, message));
  return message;
}
