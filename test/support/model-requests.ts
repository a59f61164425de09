import { meteringConfig, type MeteringConfig } from "../../proxy/metering/config.ts";
import { openMetering } from "../../proxy/metering/open-metering.ts";
import type { MeteredCall } from "../../proxy/model/metered-call.ts";
import type { HeaderList, RequestHead } from "../../proxy/model/request.ts";
import { TestClock } from "./test-clock.ts";

/** The head of a request to a model, `POST` unless said otherwise. */
export function modelHead(url: string, { method = "POST", headers = [], upgrade = null }: { readonly method?: string; readonly headers?: HeaderList; readonly upgrade?: "websocket" | null } = {}): RequestHead {
  const [, scheme = "https", host = "", port, path = "/"] = /^(https?):\/\/([^/:]+)(?::(\d+))?(\/[^?]*)?/.exec(url) ?? [];
  return {
    httpVersion: "1.1", method, scheme: scheme === "http" ? "http" : "https", host, port: Number(port ?? 443), path, segments: path.slice(1).split("/"), query: null,
    headers, framing: { kind: "none" }, expectsContinue: false, upgrade,
  };
}

export interface ReadOptions {
  readonly config?: Partial<MeteringConfig>;
  readonly headers?: HeaderList;
  readonly grants?: readonly string[];
  /** As the exchange counts what is held. */
  readonly take?: (bytes: number) => void;
}

/** Reads one request as the room does. @param body a text as it is, anything else as JSON */
export async function readModelRequest(url: string, body: unknown, { config = {}, headers = [], grants = [], take = () => {} }: ReadOptions = {}): Promise<MeteredCall> {
  const metering = await openMetering({ ...meteringConfig.parse({}), ...config }, new TestClock());
  const head = modelHead(url, { headers });
  const found = metering.recognise(head);
  if (found.kind !== "call") throw new Error(`${url} is ${found.kind}`);
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  return await metering.read(found.call, head, { body: bytes, grants, take });
}

export const OPENAI_CHAT = "https://api.openai.com/v1/chat/completions";
export const OPENAI_RESPONSES = "https://api.openai.com/v1/responses";
export const ANTHROPIC = "https://api.anthropic.com/v1/messages";
export const GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/gemini-3.5-flash:generateContent";
export const BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-opus-5";
export const OPENROUTER = "https://openrouter.ai/api/v1/chat/completions";
export const MISTRAL = "https://api.mistral.ai/v1/chat/completions";
