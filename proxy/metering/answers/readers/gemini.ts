import type { TokenCounts } from "../../../model/metered-call.ts";
import type { AnswerNotes } from "../answer-notes.ts";
import type { Fate, StreamEvent } from "../framing/framing.ts";
import { indexAt, isObject, objectAt, objectsAt, textAt, type JsonObject } from "../json-text.ts";
import type { StreamReader } from "./reader.ts";

/**
 * Gemini's `generateContent` (https://ai.google.dev/api/generate-content): each chunk may carry the usage so far, the last one counts. The shapes
 * are the same in a stream and in one piece.
 */
export class GeminiStreamReader implements StreamReader {
  readonly #notes: AnswerNotes;
  readonly #model: string;
  readonly #asked: number;
  readonly #candidates = new Set<number>();
  readonly #finished = new Set<number>();
  #responseId = "";

  /** @param model for a stream that ends before it has said its own @param asked candidates that were asked for */
  constructor(notes: AnswerNotes, model: string, asked: number) {
    this.#notes = notes;
    this.#model = model;
    this.#asked = asked;
  }

  read(event: StreamEvent): Fate {
    const chunk = this.#notes.objectOf(event);
    if (chunk === null) return "pass";
    this.#responseId = textAt(chunk, "responseId") || this.#responseId;
    for (const candidate of objectsAt(chunk, "candidates")) {
      this.#candidates.add(indexAt(candidate, "index"));
      if (textAt(candidate, "finishReason") !== "") this.#finished.add(indexAt(candidate, "index"));
    }
    readPiece(chunk, this.#notes);
    this.#notes.report(chunk["usageMetadata"], event.data, this.#finished.size >= this.#asked || isBlocked(chunk));
    return "pass";
  }

  /** Fewer candidates may come than were asked for. */
  end(): void {
    if (this.#finished.size > 0 && this.#finished.size === this.#candidates.size) this.#notes.finish();
  }

  ending(spent: TokenCounts): readonly StreamEvent[] {
    const candidates = (this.#candidates.size === 0 ? [0] : [...this.#candidates]).filter((index) => !this.#finished.has(index))
      .map((index) => ({ content: { role: "model", parts: [{ text: "" }] }, finishReason: "MAX_TOKENS", index }));
    if (candidates.length === 0) return [];
    const { input, output, reasoning } = spent;
    const usageMetadata = { promptTokenCount: input, candidatesTokenCount: output - reasoning, thoughtsTokenCount: reasoning, totalTokenCount: input + output };
    const chunk = { candidates, usageMetadata, modelVersion: this.#notes.model ?? this.#model, responseId: this.#responseId };
    return [{ name: null, data: JSON.stringify(chunk) }];
  }
}

/** The answer in one piece. */
export function readGeminiBody(body: JsonObject, json: string, notes: AnswerNotes): void {
  readPiece(body, notes);
  notes.report(body["usageMetadata"], json, true);
}

/** What stands in a whole answer, or in one chunk of it. */
function readPiece(body: JsonObject, notes: AnswerNotes): void {
  if (isObject(body["error"])) notes.isFailed = true;
  notes.nameModel(body["modelVersion"]);
  for (const candidate of objectsAt(body, "candidates")) for (const part of objectsAt(objectAt(candidate, "content"), "parts")) readPart(part, notes);
}

/** True if nothing is written for this prompt; what is thought of a prompt that passes is said in the first chunk too. */
function isBlocked(body: JsonObject): boolean {
  return textAt(objectAt(body, "promptFeedback"), "blockReason") !== "";
}

/** What code of the model printed is input of its next step; signatures are nothing. */
function readPart(part: JsonObject, { output }: AnswerNotes): void {
  output.text(textAt(part, "text"));
  output.text(textAt(objectAt(part, "executableCode"), "code"));
  const call = objectAt(part, "functionCall");
  output.text(textAt(call, "name"));
  if (call["args"] !== undefined) output.text(JSON.stringify(call["args"]));
  const media = objectAt(part, "inlineData");
  if (textAt(media, "mimeType").startsWith("image/")) output.image();
  else output.audio(textAt(media, "data"));
}
