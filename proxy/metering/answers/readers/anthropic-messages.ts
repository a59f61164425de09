import type { TokenCounts } from "../../../model/metered-call.ts";
import type { AnswerNotes } from "../answer-notes.ts";
import type { Fate, StreamEvent } from "../framing/framing.ts";
import { indexAt, objectAt, objectsAt, textAt, type JsonObject } from "../json-text.ts";
import type { StreamReader } from "./reader.ts";

/**
 * Anthropic's Messages (https://platform.claude.com/docs/en/build-with-claude/streaming): input is in `message_start`, output in `message_delta`,
 * cumulative. Gateways put zeros in the first and all of it in the last. An `error` may follow the 200.
 */
export class MessagesStreamReader implements StreamReader {
  readonly #notes: AnswerNotes;
  readonly #model: string;
  readonly #open = new Set<number>();
  #state: "new" | "begun" | "stopping" | "over" = "new";
  #hasDelta = false;

  /** @param model for a stream that ends before it has said its own */
  constructor(notes: AnswerNotes, model: string) {
    this.#notes = notes;
    this.#model = model;
  }

  read(event: StreamEvent): Fate {
    const object = this.#notes.objectOf(event);
    if (object !== null && this.#state !== "over") this.#readEvent(object, event.data);
    return "pass";
  }

  ending(spent: TokenCounts): readonly StreamEvent[] {
    const stop = { type: "message_stop" };
    const delta = { type: "message_delta", delta: { stop_reason: "max_tokens", stop_sequence: null }, usage: { output_tokens: spent.output } };
    const blocks = [...this.#open].map((index) => ({ type: "content_block_stop", index }));
    const events = {
      new: () => [this.#start(spent), delta, stop],
      begun: () => [...blocks, delta, stop],
      stopping: () => [stop],
      over: () => [],
    }[this.#state]();
    return events.map((event) => ({ name: event.type, data: JSON.stringify(event) }));
  }

  #readEvent(event: JsonObject, json: string): void {
    switch (event["type"]) {
      case "message_start": {
        const message = objectAt(event, "message");
        this.#state = "begun";
        this.#notes.nameModel(message["model"]);
        return this.#notes.merge(message["usage"], json, false);
      }
      case "content_block_start":
        this.#open.add(indexAt(event, "index"));
        return readBlock(objectAt(event, "content_block"), this.#notes);
      case "content_block_delta":
        return readBlock(objectAt(event, "delta"), this.#notes);
      case "content_block_stop":
        this.#open.delete(indexAt(event, "index"));
        return;
      case "message_delta":
        // There may be several; only one that stops says all of it.
        if (textAt(objectAt(event, "delta"), "stop_reason") !== "") this.#state = "stopping";
        this.#hasDelta = true;
        return this.#notes.merge(event["usage"], json, this.#state === "stopping");
      case "message_stop":
        this.#state = "over";
        if (this.#hasDelta) this.#notes.finish();
        return;
      case "error":
        this.#state = "over";
        this.#notes.isFailed = true;
        return;
      case "ping":
        return;
      default:
        return this.#notes.output.unclear(json.length);
    }
  }

  #start(spent: TokenCounts): JsonObject & { readonly type: string } {
    const usage = { input_tokens: spent.input, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 0 };
    const message = { id: "msg_0", type: "message", role: "assistant", model: this.#model, content: [], stop_reason: null, stop_sequence: null, usage };
    return { type: "message_start", message };
  }
}

/** The answer in one piece. */
export function readMessagesBody(body: JsonObject, json: string, notes: AnswerNotes): void {
  notes.nameModel(body["model"]);
  for (const block of objectsAt(body, "content")) readBlock(block, notes);
  notes.report(body["usage"], json, true);
}

/** A block or a part of one. Results of the provider's own tools are input, not output; signatures and citations are neither. */
function readBlock(block: JsonObject, notes: AnswerNotes): void {
  const { output } = notes;
  const type = textAt(block, "type");
  if (type.endsWith("_result")) return;
  if (type.includes("thinking")) notes.hasThought = true;
  for (const name of ["text", "thinking", "partial_json", "name"]) output.text(textAt(block, name));
  const input = objectAt(block, "input");
  if (Object.keys(input).length > 0) output.text(JSON.stringify(input));
}
