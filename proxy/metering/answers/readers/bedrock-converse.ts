import type { TokenCounts } from "../../../model/metered-call.ts";
import type { AnswerNotes } from "../answer-notes.ts";
import type { Fate, StreamEvent } from "../framing/framing.ts";
import { indexAt, objectAt, objectsAt, textAt, type JsonObject } from "../json-text.ts";
import type { StreamReader } from "./reader.ts";

/** Bedrock's ConverseStream (API reference, ConverseStreamOutput): usage is in `metadata`, last. Exceptions are events too. */
export class ConverseStreamReader implements StreamReader {
  readonly #notes: AnswerNotes;
  readonly #open = new Set<number>();
  #state: "new" | "begun" | "stopped" | "over" = "new";

  constructor(notes: AnswerNotes) {
    this.#notes = notes;
  }

  read(event: StreamEvent): Fate {
    const body = this.#notes.objectOf(event);
    if (body !== null) this.#readEvent(event.name ?? "", body, event.data);
    return "pass";
  }

  ending(spent: TokenCounts): readonly StreamEvent[] {
    const start = this.#state === "new" ? [{ name: "messageStart", body: { role: "assistant" } }] : [];
    const blocks = [...this.#open].map((contentBlockIndex) => ({ name: "contentBlockStop", body: { contentBlockIndex } }));
    const stop = this.#state === "stopped" ? [] : [{ name: "messageStop", body: { stopReason: "max_tokens" } }];
    const metadata = { name: "metadata", body: { usage: usageOf(spent), metrics: { latencyMs: 0 } } };
    return this.#state === "over" ? [] : [...start, ...blocks, ...stop, metadata].map(({ name, body }) => ({ name, data: JSON.stringify(body) }));
  }

  #readEvent(name: string, body: JsonObject, json: string): void {
    switch (name) {
      case "messageStart":
        this.#state = "begun";
        return;
      case "contentBlockStart":
        this.#open.add(indexAt(body, "contentBlockIndex"));
        return readConverseBlock(objectAt(body, "start"), this.#notes);
      case "contentBlockDelta":
        // Blocks of text have no start.
        this.#open.add(indexAt(body, "contentBlockIndex"));
        return readConverseBlock(objectAt(body, "delta"), this.#notes);
      case "contentBlockStop":
        this.#open.delete(indexAt(body, "contentBlockIndex"));
        return;
      case "messageStop":
        this.#state = "stopped";
        return;
      case "metadata":
        this.#state = "over";
        return this.#notes.report(body["usage"], json, true);
      case "exception":
        this.#state = "over";
        this.#notes.isFailed = true;
        return;
      default:
        return this.#notes.output.unclear(json.length);
    }
  }
}

/** The answer in one piece. */
export function readConverseBody(body: JsonObject, json: string, notes: AnswerNotes): void {
  for (const block of objectsAt(objectAt(objectAt(body, "output"), "message"), "content")) readConverseBlock(block, notes);
  notes.report(body["usage"], json, true);
}

/** As Converse says it. */
export function usageOf(spent: TokenCounts): JsonObject {
  return {
    inputTokens: spent.input - spent.cacheRead - spent.cacheWrite, outputTokens: spent.output, totalTokens: spent.input + spent.output,
    cacheReadInputTokens: spent.cacheRead, cacheWriteInputTokens: spent.cacheWrite,
  };
}

/** A block, its start or a part of it; the input of a tool is text in a stream and an object in one piece. */
export function readConverseBlock(block: JsonObject, notes: AnswerNotes): void {
  const { output } = notes;
  if ("reasoningContent" in block) notes.hasThought = true;
  output.text(textAt(block, "text"));
  const tool = objectAt(block, "toolUse");
  output.text(textAt(tool, "name"));
  const input = tool["input"];
  if (typeof input === "string") output.text(input);
  else if (input !== undefined) output.text(JSON.stringify(input));
  const reasoning = objectAt(block, "reasoningContent");
  output.text(textAt(reasoning, "text"));
  output.text(textAt(objectAt(reasoning, "reasoningText"), "text"));
}
