import type { TokenCounts } from "../../../model/metered-call.ts";
import type { HeaderList } from "../../../model/request.ts";
import { AnswerNotes } from "../answer-notes.ts";
import type { Fate, StreamEvent } from "../framing/framing.ts";
import { isObject, objectAt, objectsAt, parseObject, textAt, type JsonObject } from "../json-text.ts";
import { MessagesStreamReader, readMessagesBody } from "./anthropic-messages.ts";
import { readConverseBlock, readConverseBody } from "./bedrock-converse.ts";
import { readChatBody } from "./openai-chat.ts";
import type { StreamReader } from "./reader.ts";

const METRICS = "amazon-bedrock-invocationMetrics";
/** The counts in Bedrock's own headers and metrics, by the names of Converse. */
const HEADERS = {
  "x-amzn-bedrock-input-token-count": "inputTokens", "x-amzn-bedrock-output-token-count": "outputTokens",
  "x-amzn-bedrock-cache-read-input-token-count": "cacheReadInputTokens", "x-amzn-bedrock-cache-write-input-token-count": "cacheWriteInputTokens",
} as const;
const COUNTS = {
  inputTokenCount: "inputTokens", outputTokenCount: "outputTokens",
  cacheReadInputTokenCount: "cacheReadInputTokens", cacheWriteInputTokenCount: "cacheWriteInputTokens",
} as const;
/** Where models of other makers put their text: Llama, Titan, Cohere, older Claude. */
const TEXTS = ["generation", "outputText", "text", "completion"];

/**
 * Bedrock's InvokeModelWithResponseStream (user guide, "invocation metrics"): `chunk` events carry the maker's own events in base64; Bedrock adds
 * its count to the last one.
 */
export class InvokeStreamReader implements StreamReader {
  readonly #notes: AnswerNotes;
  /** What the maker itself reports is left alone: Bedrock's count is the one that is charged. */
  readonly #inner: AnswerNotes;
  readonly #messages: MessagesStreamReader;
  #isAnthropic: boolean;
  #isOver = false;

  /** @param model as the path names it */
  constructor(notes: AnswerNotes, model: string) {
    this.#notes = notes;
    this.#inner = new AnswerNotes(notes.output);
    this.#messages = new MessagesStreamReader(this.#inner, model);
    this.#isAnthropic = model.includes("anthropic.");
  }

  read(event: StreamEvent): Fate {
    const outer = event.name === "chunk" ? this.#notes.objectOf(event) : null;
    if (event.name === "exception") this.#fail();
    const json = outer === null ? "" : Buffer.from(textAt(outer, "bytes"), "base64").toString("utf8");
    const inner = parseObject(json);
    if (inner === null) this.#notes.output.unclear(event.name === "chunk" ? json.length : 0);
    else this.#readInner(inner, json);
    return "pass";
  }

  ending(spent: TokenCounts): readonly StreamEvent[] {
    if (this.#isOver) return [];
    const metrics = { inputTokenCount: spent.input, outputTokenCount: spent.output, invocationLatency: 0, firstByteLatency: 0 };
    const events = this.#isAnthropic ? this.#messages.ending(spent).map(({ data }) => parseObject(data) ?? {}) : [{ stop_reason: "length" }];
    return events.map((event, index) => {
      const body = index === events.length - 1 ? { ...event, [METRICS]: metrics } : event;
      return { name: "chunk", data: JSON.stringify({ bytes: Buffer.from(JSON.stringify(body)).toString("base64") }) };
    });
  }

  #readInner(event: JsonObject, json: string): void {
    if (event["type"] === "message_start") this.#isAnthropic = true;
    if (this.#isAnthropic) this.#messages.read({ name: null, data: json });
    else readOther(event, this.#notes);
    if (this.#inner.isFailed) this.#notes.isFailed = true;
    if (this.#inner.hasThought) this.#notes.hasThought = true;
    const metrics = event[METRICS];
    if (metrics === undefined) return;
    this.#isOver = true;
    this.#notes.report(isObject(metrics) ? renamed(metrics, COUNTS) : metrics, json, true);
  }

  #fail(): void {
    this.#isOver = true;
    this.#notes.isFailed = true;
  }
}

/** The answer in one piece: Bedrock counts in headers; makers that it does not count for say it in the body, each in a way of its own. */
export function readInvokeBody(body: JsonObject, json: string, notes: AnswerNotes, headers: HeaderList): void {
  const inner = new AnswerNotes(notes.output);
  if (Array.isArray(body["content"])) readMessagesBody(body, json, inner);
  else if (Array.isArray(body["choices"])) readChatBody(body, json, inner);
  else if (isObject(body["output"])) readConverseBody(body, json, inner);
  else readOther(body, notes);
  const counted = countedIn(headers);
  if (counted.length === 0) return notes.report(inner.usage, json, true);
  const isTwice = new Set(counted.map(([name]) => name)).size < counted.length;
  notes.report(isTwice ? "two counts" : Object.fromEntries(counted), "{}", true);
}

/** What is no number stays what it is, and is unfit later. */
function countedIn(headers: HeaderList): readonly (readonly [name: string, count: number | string])[] {
  const names: Readonly<Record<string, string>> = HEADERS;
  return headers.flatMap(([header, value]) => {
    const name = Object.hasOwn(names, header) ? names[header] : undefined;
    return name === undefined ? [] : [[name, /^\d{1,15}$/.test(value) ? Number(value) : value] as const];
  });
}

function readOther(event: JsonObject, notes: AnswerNotes): void {
  for (const name of TEXTS) notes.output.text(textAt(event, name));
  for (const output of [...objectsAt(event, "outputs"), ...objectsAt(event, "results"), ...objectsAt(event, "generations")]) {
    for (const name of TEXTS) notes.output.text(textAt(output, name));
  }
  for (const choice of objectsAt(event, "choices")) for (const name of ["delta", "message"]) notes.output.text(textAt(objectAt(choice, name), "content"));
  // Nova speaks as Converse does.
  readConverseBlock(objectAt(objectAt(event, "contentBlockDelta"), "delta"), notes);
}

function renamed(metrics: JsonObject, names: Readonly<Record<string, string>>): JsonObject {
  return Object.fromEntries(Object.entries(names).filter(([name]) => metrics[name] !== undefined).map(([name, to]) => [to, metrics[name]]));
}
