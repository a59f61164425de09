import type { HeaderList } from "../../model/request.ts";
import type { AnswerNotes } from "./answer-notes.ts";
import { AwsEventStreamFraming } from "./framing/aws-event-stream.ts";
import { EventSourceFraming } from "./framing/event-source.ts";
import type { Framing } from "./framing/framing.ts";
import { JsonArrayFraming } from "./framing/json-array.ts";
import { WholeBodyFraming } from "./framing/whole-body.ts";
import type { AnswerContext, AnswerLimits } from "./answer-context.ts";
import { MessagesStreamReader, readMessagesBody } from "./readers/anthropic-messages.ts";
import { ConverseStreamReader, readConverseBody } from "./readers/bedrock-converse.ts";
import { InvokeStreamReader, readInvokeBody } from "./readers/bedrock-invoke.ts";
import { GeminiStreamReader, readGeminiBody } from "./readers/gemini.ts";
import { ChatStreamReader, readChatBody } from "./readers/openai-chat.ts";
import { ResponsesStreamReader, readResponseBody } from "./readers/openai-responses.ts";
import type { BodyReader, StreamReader } from "./readers/reader.ts";

/** How the bytes of an answer hang together. */
export type FormName = "event-source" | "json-array" | "aws-event-stream" | "whole" | "unreadable";

const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);
/** The first byte of `data`, `event`, `id`, `retry`, a comment or a byte order mark. */
const EVENT_SOURCE_STARTS = new Set(Buffer.from("deir:\u00ef", "latin1"));

/**
 * Decides by the content type; the first byte decides between the forms of JSON, and where the content type says nothing.
 * @param first what the answer begins with; null before any of it is here
 * @returns null if only the first byte can say
 */
export function formOf(headers: HeaderList, first: number | null, isArrayStream: boolean): FormName | null {
  const type = headers.find(([name]) => name === "content-type")?.[1].split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (type === "text/event-stream") return "event-source";
  if (type === "application/vnd.amazon.eventstream") return "aws-event-stream";
  if (first === null) return null;
  if (first === 0x5b && isArrayStream) return "json-array";
  if (first === 0x7b || type.endsWith("json")) return "whole";
  return EVENT_SOURCE_STARTS.has(first) ? "event-source" : "unreadable";
}

/** The first byte that is no white space; null if there is none. */
export function firstByte(chunk: Buffer): number | null {
  return chunk.find((byte) => !SPACE.has(byte)) ?? null;
}

export function framingOf(form: FormName, { answerLimitBytes, eventLimitBytes }: AnswerLimits): Framing {
  switch (form) {
    case "event-source": return new EventSourceFraming(eventLimitBytes);
    case "json-array": return new JsonArrayFraming(eventLimitBytes);
    case "aws-event-stream": return new AwsEventStreamFraming(eventLimitBytes);
    case "whole": return new WholeBodyFraming(answerLimitBytes);
    // A limit of nothing: blind from the first byte.
    case "unreadable": return new WholeBodyFraming(0);
  }
}

/** The reader of streams of this API. */
export function streamReader({ facts, isUsageInjected, choices }: AnswerContext, notes: AnswerNotes): StreamReader {
  const { api, model } = facts;
  switch (api) {
    case "openai-chat": case "openrouter-chat": case "mistral-chat": case "openai-embeddings": {
      const usageForm = isUsageInjected ? "none" : api === "mistral-chat" ? "last" : "chunk";
      return new ChatStreamReader(notes, { isUsageInjected, usageForm, model, choices });
    }
    case "openai-responses": return new ResponsesStreamReader(notes, model);
    case "anthropic-messages": return new MessagesStreamReader(notes, model);
    case "gemini-generate": return new GeminiStreamReader(notes, model, choices);
    case "bedrock-converse": return new ConverseStreamReader(notes);
    case "bedrock-invoke": return new InvokeStreamReader(notes, model);
  }
}

/** The reader of an answer in one piece: one event, that nothing can end. */
export function bodyReader({ facts }: AnswerContext, notes: AnswerNotes, headers: HeaderList): StreamReader {
  const readers: Readonly<Record<typeof facts.api, BodyReader>> = {
    "openai-chat": (body, json) => { readChatBody(body, json, notes); }, "openrouter-chat": (body, json) => { readChatBody(body, json, notes); },
    "mistral-chat": (body, json) => { readChatBody(body, json, notes); }, "openai-embeddings": (body, json) => { readChatBody(body, json, notes); },
    "openai-responses": (body, json) => { readResponseBody(body, json, notes); },
    "anthropic-messages": (body, json) => { readMessagesBody(body, json, notes); },
    "gemini-generate": (body, json) => { readGeminiBody(body, json, notes); }, "bedrock-converse": (body, json) => { readConverseBody(body, json, notes); },
    "bedrock-invoke": (body, json) => { readInvokeBody(body, json, notes, headers); },
  };
  return {
    read: (event) => {
      const body = notes.objectOf(event);
      if (body !== null) readers[facts.api](body, event.data);
      return "pass";
    },
    ending: () => [],
  };
}
