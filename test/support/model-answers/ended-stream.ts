import { EventStreamCodec } from "@smithy/eventstream-codec";
import { createParser } from "eventsource-parser";
import type { ModelApi } from "../../../proxy/model/metered-call.ts";

/** Of all events of all APIs, what their order hangs on. */
interface Event {
  readonly done?: boolean;
  readonly frame?: string;
  readonly event?: string;
  readonly type?: string;
  readonly choices?: readonly { readonly index: number; readonly finish_reason: string | null; readonly delta?: { readonly role?: string } }[];
  readonly index?: number;
  readonly delta?: { readonly stop_reason?: string | null };
  readonly sequence_number?: number;
  readonly output_index?: number;
  readonly item?: { readonly status?: string };
  readonly response?: { readonly incomplete_details?: object | null; readonly output: readonly object[] };
  readonly candidates?: readonly { readonly finishReason?: string }[];
  readonly usageMetadata?: { readonly totalTokenCount?: number };
  readonly contentBlockIndex?: number;
  readonly bytes?: string;
  readonly "amazon-bedrock-invocationMetrics"?: object;
}

/** How a stream hangs together. */
export type WireForm = "event-source" | "json-array" | "aws-event-stream";

const codec = new EventStreamCodec((bytes) => Buffer.from(bytes).toString("utf8"), (text) => Buffer.from(text));

/**
 * The events of a whole stream, by readers that are not ours.
 * @throws Error for bytes that are no whole stream: half an event, wrong checksums, no JSON
 */
export function eventsIn(bytes: Buffer, form: WireForm): readonly Event[] {
  switch (form) {
    case "json-array": return JSON.parse(bytes.toString()) as Event[];
    case "aws-event-stream": return [...framesIn(bytes)];
    case "event-source": {
      const events: Event[] = [];
      if (!/(?:^|\n\n|\r\r|\r\n\r\n?|\r\n\r\n?\n)$/.test(bytes.toString())) throw new Error("ends within an event");
      createParser({ onEvent: ({ data, event }) => { events.push(data === "[DONE]" ? { done: true } : { ...JSON.parse(data) as Event, ...(event === undefined ? {} : { event }) }); } }).feed(bytes.toString());
      return events;
    }
  }
}

function* framesIn(bytes: Buffer): Generator<Event> {
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at)) {
    const { headers, body } = codec.decode(bytes.subarray(at, at + bytes.readUInt32BE(at)));
    const json = JSON.parse(Buffer.from(body).toString()) as Event;
    const name = String(headers[":event-type"]?.value ?? "exception");
    yield name === "chunk" ? JSON.parse(Buffer.from(json.bytes ?? "", "base64").toString()) as Event : { ...json, frame: name };
  }
}

/** What is wrong with the order of events of a stream that has ended, by the API's own document; null if nothing is. */
export function problemOf(api: ModelApi, events: readonly Event[]): string | null {
  switch (api) {
    case "openai-chat": case "mistral-chat": case "openrouter-chat": case "openai-embeddings": return chatProblem(events);
    case "openai-responses": return responseProblem(events);
    case "anthropic-messages": return messageProblem(events);
    case "gemini-generate": return geminiProblem(events);
    case "bedrock-converse": return converseProblem(events);
    case "bedrock-invoke": return events.some(({ type }) => type === "message_start") ? messageProblem(events) ?? metricsProblem(events) : metricsProblem(events);
  }
}

function chatProblem(events: readonly Event[]): string | null {
  if (events.at(-1)?.done !== true) return "no [DONE] at the end";
  const chunks = events.slice(0, -1);
  const said = chunks.flatMap(({ choices }) => choices ?? []);
  const open = new Set(said.map(({ index }) => index));
  const finished = said.filter(({ finish_reason }) => finish_reason !== null).map(({ index }) => index);
  if (said[0]?.delta?.role !== "assistant") return "nobody speaks";
  if (finished.length !== new Set(finished).size) return "a choice that finishes twice";
  return open.size === finished.length && finished.length > 0 ? null : "a choice that does not finish";
}

function messageProblem(events: readonly Event[]): string | null {
  const types = events.map(({ type }) => type).filter((type) => type !== "ping");
  if (types[0] !== "message_start" || types.at(-1) !== "message_stop") return `from ${types[0]} to ${types.at(-1)}`;
  if (events.some(({ type, event }) => event !== undefined && event !== type)) return "an event under another name";
  const open = new Set<number>();
  for (const { type, index = -1 } of events) {
    if (type === "content_block_start") open.add(index);
    if (type === "content_block_delta" && !open.has(index)) return "a delta of no open block";
    if (type === "content_block_stop" && !open.delete(index)) return "the end of a block that is not open";
    if (type === "message_delta" && open.size > 0) return "a message that ends with an open block";
  }
  const reasons = events.filter(({ type }) => type === "message_delta").map(({ delta }) => delta?.stop_reason).filter((reason) => reason !== null);
  return reasons.length === 1 ? null : `stop reasons: ${reasons.join(", ")}`;
}

function responseProblem(events: readonly Event[]): string | null {
  if (events.some(({ sequence_number }, index) => sequence_number !== index)) return "a sequence number that is not the next one";
  if (events[0]?.type !== "response.created") return "no response.created";
  const last = events.at(-1);
  const isTerminal = ({ type = "" }: Event) => ["response.completed", "response.incomplete", "response.failed"].includes(type);
  if (last === undefined || events.filter(isTerminal).length !== 1 || !isTerminal(last)) return "not one terminal event, at the end";
  const added = events.filter(({ type }) => type === "response.output_item.added").map(({ output_index }) => output_index);
  const done = events.filter(({ type }) => type === "response.output_item.done").map(({ output_index, item }) => (item?.status === "in_progress" ? -1 : output_index));
  if (added.join() !== done.join()) return "an item that is not done";
  const parts = (end: string) => events.filter(({ type }) => type === `response.content_part.${end}` || type === `response.reasoning_summary_part.${end}`).length;
  if (parts("added") !== parts("done")) return "a part that is not done";
  const isCut = last.type === "response.incomplete" && last.response?.incomplete_details !== null;
  return isCut && last.response?.output.length !== added.length ? "items that the response does not have" : null;
}

function geminiProblem(events: readonly Event[]): string | null {
  const reasons = events.map(({ candidates }) => candidates?.[0]?.finishReason).filter((reason) => reason !== undefined);
  if (reasons.length !== 1 || events.at(-1)?.candidates?.[0]?.finishReason === undefined) return `finish reasons: ${reasons.join()}`;
  return typeof events.at(-1)?.usageMetadata?.totalTokenCount === "number" ? null : "no usage at the end";
}

function converseProblem(events: readonly Event[]): string | null {
  const frames = events.map(({ frame }) => frame);
  if (frames[0] !== "messageStart" || frames.at(-1) !== "metadata" || frames.at(-2) !== "messageStop") return `frames ${frames.join()}`;
  const open = new Set<number>();
  for (const { frame, contentBlockIndex = -1 } of events) {
    if (frame === "contentBlockStart" || frame === "contentBlockDelta") open.add(contentBlockIndex);
    if (frame === "contentBlockStop" && !open.delete(contentBlockIndex)) return "the end of a block that is not open";
  }
  return open.size === 0 ? null : "a block that does not end";
}

function metricsProblem(events: readonly Event[]): string | null {
  const counts = events.map((event) => event["amazon-bedrock-invocationMetrics"]).filter((metrics) => metrics !== undefined);
  return counts.length === 1 && events.at(-1)?.["amazon-bedrock-invocationMetrics"] !== undefined ? null : "no metrics in the last event";
}
