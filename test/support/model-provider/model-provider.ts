import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import { answerPlan, PAYERS_HEADER, PLAN_HEADER, readPlan, type AnswerPlan } from "./answer-plan.ts";
import { anthropicApi } from "./anthropic.ts";
import { Answering, Refused, type Api, type Asked } from "./asked.ts";
import { awsErrorType, bedrockApi } from "./bedrock.ts";
import { costlyApi, embeddingsApi } from "./costly.ts";
import { geminiApi } from "./gemini.ts";
import { chatApi, MISTRAL, OPENAI, OPENROUTER } from "./openai-chat.ts";
import { overWebSocket, responsesApi } from "./openai-responses.ts";
import { Tally } from "./tally.ts";

const [chat, anthropic, gemini, mistral, openrouter] = [chatApi(OPENAI), anthropicApi(), geminiApi(), chatApi(MISTRAL), chatApi(OPENROUTER)];
const SITES: Readonly<Record<string, readonly Api[]>> = {
  "api.openai.com": [chat, responsesApi(), embeddingsApi(chat.errorBody), costlyApi(chat.errorBody)],
  "api.anthropic.com": [anthropic, costlyApi(anthropic.errorBody)],
  "generativelanguage.googleapis.com": [gemini, costlyApi(gemini.errorBody)],
  "openrouter.ai": [openrouter],
  "bedrock-runtime.us-east-1.amazonaws.com": [bedrockApi()],
  "api.mistral.ai": [mistral, costlyApi(mistral.errorBody)],
};
/** The names that it stands in for. */
export const MODEL_HOSTS: readonly string[] = Object.keys(SITES);

/** Largest body that it reads, in bytes. */
const BODY_LIMIT_BYTES = 64 << 20;

/** All providers on one port of loopback, TLS, HTTP/1.1 and HTTP/2, and their books. */
export interface ModelProvider {
  readonly port: number;
  readonly tally: Tally;
  /** What the model does with requests that have no plan of their own. */
  plan: AnswerPlan;
  /** True to understand paths as the most careless server would: whatever their case, slashes, dots and escapes. */
  isForgiving: boolean;
  close(): Promise<void>;
}

/** @param certificate valid for {@link MODEL_HOSTS} @param port 0 for a free one */
export async function startModelProvider(certificate: { readonly certPem: string; readonly keyPem: string }, port = 0): Promise<ModelProvider> {
  const sockets = new Set<Socket>();
  const state: State = { plan: answerPlan.parse({}), isForgiving: false, tally: new Tally() };
  const server = createSecureServer({ cert: certificate.certPem, key: certificate.keyPem, allowHTTP1: true });
  server.on("connection", (socket: Socket) => { sockets.add(socket.once("close", () => sockets.delete(socket))); });
  server.on("request", (request: Http2ServerRequest, answer: Http2ServerResponse) => {
    answer.on("error", () => undefined);
    serve(state, request, answer).catch(() => { answer.destroy(); });
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => { upgrade(state, { request, socket, head }); });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port, tally: state.tally,
    get plan() { return state.plan; },
    set plan(plan) { state.plan = plan; },
    get isForgiving() { return state.isForgiving; },
    set isForgiving(isForgiving) { state.isForgiving = isForgiving; },
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

interface State {
  plan: AnswerPlan;
  isForgiving: boolean;
  readonly tally: Tally;
}

async function serve({ plan: usual, tally, isForgiving }: State, request: Http2ServerRequest, answer: Http2ServerResponse): Promise<void> {
  const host = hostOf(request.headers);
  const { pathname, searchParams: query } = new URL(request.url.replace(/^\/+/, isForgiving ? "/" : "$&"), "https://stand.in");
  const path = isForgiving ? forgiven(pathname) : pathname;
  const plan = readPlan(one(request.headers, PLAN_HEADER), usual);
  const answering = new Answering(answer, plan);
  const apis = SITES[host] ?? [];
  let fault: string | null = null;
  try {
    const body = await readBody(request);
    checkHead(host, request.headers, query);
    if (plan.fault?.kind === "silence") return;
    if (plan.fault?.kind === "status") throw new Refused(plan.fault.status, "as planned");
    await dispatch(apis, { method: request.method, host, path, query, headers: request.headers, body: jsonOf(body), payers: payersOf(request.headers), plan, tally }, answering);
  } catch (error) {
    fault = error instanceof Error ? error.message : "failed";
    const refused = error instanceof Refused ? error : new Refused(500, fault);
    if (answering.hasBegun) answering.drop();
    else await answering.json(refused.status, (apis[0] ?? chat).errorBody(refused), host.endsWith(".amazonaws.com") ? { "x-amzn-errortype": awsErrorType(refused.status) } : {});
  } finally {
    tally.arrivals.push({ host, method: request.method, path, status: answering.status, fault });
  }
}

async function dispatch(apis: readonly Api[], asked: Asked, answer: Answering): Promise<void> {
  for (const api of apis) if (await api.serve(asked, answer)) return;
  throw new Refused(404, `Invalid URL (${asked.method} ${asked.path})`);
}

/** Each provider wants its credential in its own place; which one it is, other stand-ins check. */
function checkHead(host: string, headers: IncomingHttpHeaders, query: URLSearchParams): void {
  const hasKey = {
    "api.anthropic.com": headers["x-api-key"] !== undefined || headers.authorization !== undefined,
    "generativelanguage.googleapis.com": headers["x-goog-api-key"] !== undefined || query.has("key") || headers.authorization !== undefined,
  }[host] ?? headers.authorization !== undefined;
  if (!hasKey) throw new Refused(401, "You didn't provide an API key.");
}

function upgrade({ plan: usual, tally }: State, { request, socket, head }: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer }): void {
  const host = hostOf(request.headers);
  const { pathname: path, searchParams: query } = new URL(request.url ?? "/", "https://stand.in");
  const isServed = host === "api.openai.com" && path === "/v1/responses";
  tally.arrivals.push({ host, method: "GET", path, status: isServed ? 101 : 404, fault: isServed ? null : "no WebSocket here" });
  if (!isServed) return void socket.end("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  const plan = readPlan(one(request.headers, PLAN_HEADER), usual);
  overWebSocket({ method: "GET", host, path, query, headers: request.headers, body: undefined, payers: payersOf(request.headers), plan, tally }, { upgrade: request, socket, head });
}

/** Where the most careless server would find a path; models of Bedrock keep their case. */
function forgiven(path: string): string {
  const { pathname } = new URL(decodeURIComponent(path).replaceAll(/[/\\]+/g, "/").replace(/;.*$/, "").replace(/(.)\/$/, "$1"), "https://stand.in");
  return pathname.startsWith("/model/") ? pathname : pathname.toLowerCase();
}

function payersOf(headers: IncomingHttpHeaders): readonly string[] {
  return (one(headers, PAYERS_HEADER) ?? "").split(",").filter((payer) => payer !== "");
}

function hostOf(headers: IncomingHttpHeaders): string {
  return (one(headers, ":authority") ?? headers.host ?? "").toLowerCase().replace(/:443$/, "");
}

function one(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

async function readBody(request: Http2ServerRequest): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > BODY_LIMIT_BYTES) throw new Refused(413, "Request too large");
    chunks.push(chunk);
  }
  return decoded(Buffer.concat(chunks), request.headers["content-encoding"]);
}

/** More forgiving than most providers: what one of them might understand must be counted. */
function decoded(body: Buffer, coding: string | undefined): Buffer {
  const decode = coding === undefined ? undefined : { gzip: gunzipSync, deflate: inflateSync, br: brotliDecompressSync, zstd: zstdDecompressSync }[coding];
  return decode === undefined ? body : decode(body);
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
