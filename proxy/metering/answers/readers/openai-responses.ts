import type { TokenCounts } from "../../../model/metered-call.ts";
import type { AnswerNotes } from "../answer-notes.ts";
import type { Fate, StreamEvent } from "../framing/framing.ts";
import { indexAt, isObject, objectAt, objectsAt, textAt, type JsonObject } from "../json-text.ts";
import type { StreamReader } from "./reader.ts";
import { ResponseItems } from "./response-items.ts";

/** A response that ends before it has said anything. */
const NAMELESS = { id: "resp_0", object: "response", created_at: 0, error: null, parallel_tool_calls: true, tools: [], tool_choice: "auto" } as const;
const TERMINAL = new Set(["response.completed", "response.incomplete", "response.failed"]);
/** Deltas that are text, and the list of the item that they belong to; null: the input of a tool. */
const TEXT_DELTAS: Readonly<Record<string, "content" | "summary" | null>> = {
  "response.output_text.delta": "content", "response.refusal.delta": "content", "response.reasoning_text.delta": "content",
  "response.reasoning_summary_text.delta": "summary", "response.function_call_arguments.delta": null, "response.custom_tool_call_input.delta": null,
  "response.mcp_call_arguments.delta": null, "response.code_interpreter_call_code.delta": null, "response.audio.transcript.delta": null,
};

/**
 * OpenAI's Responses (https://platform.openai.com/docs/api-reference/responses-streaming): the terminal event carries the whole response with its
 * usage, always.
 */
export class ResponsesStreamReader implements StreamReader {
  readonly #notes: AnswerNotes;
  readonly #model: string;
  readonly #items = new ResponseItems();
  #response: JsonObject = {};
  #next = 0;
  #isOver = false;

  /** @param model for a stream that ends before it has said its own */
  constructor(notes: AnswerNotes, model: string) {
    this.#notes = notes;
    this.#model = model;
  }

  read(event: StreamEvent): Fate {
    if (this.#isOver) return "pass";
    const object = this.#notes.objectOf(event);
    if (object === null) return "pass";
    this.#next = Math.max(this.#next, indexAt(object, "sequence_number") + 1);
    const type = textAt(object, "type");
    if (isObject(object["response"])) this.#readResponse(object["response"], type, event.data);
    else if (type === "error") this.#fail();
    else this.#readPart(object, type);
    return "pass";
  }

  ending(spent: TokenCounts): readonly StreamEvent[] {
    if (this.#isOver) return [];
    const usage = {
      input_tokens: spent.input, input_tokens_details: { cached_tokens: spent.cacheRead },
      output_tokens: spent.output, output_tokens_details: { reasoning_tokens: spent.reasoning }, total_tokens: spent.input + spent.output,
    };
    const begun = { ...NAMELESS, model: this.#model, ...this.#response };
    const response = { ...begun, status: "incomplete", incomplete_details: { reason: "max_output_tokens" }, output: this.#items.output(), usage };
    const first = this.#next === 0 ? [{ type: "response.created", response: { ...begun, status: "in_progress", output: [] } }] : [];
    return [...first, ...this.#items.closing(), { type: "response.incomplete", response }]
      .map((event, index) => ({ name: event.type, data: JSON.stringify({ ...event, sequence_number: this.#next + index }) }));
  }

  #readResponse(response: JsonObject, type: string, json: string): void {
    this.#response = response;
    this.#notes.nameModel(response["model"]);
    if (!TERMINAL.has(type)) return;
    this.#isOver = true;
    this.#notes.isFailed = type === "response.failed";
    this.#notes.report(response["usage"], json, true);
  }

  #readPart(event: JsonObject, type: string): void {
    const list = TEXT_DELTAS[type];
    if (list !== undefined) {
      this.#notes.output.text(textAt(event, "delta"));
      return this.#items.delta(event, list);
    }
    switch (type) {
      case "response.output_item.added":
        this.#notes.output.text(textAt(objectAt(event, "item"), "name"));
        noteSearch(objectAt(event, "item"), this.#notes);
        return this.#items.add(event);
      case "response.output_item.done": return this.#items.done(event);
      case "response.content_part.added": return this.#items.addPart(event, "content");
      case "response.content_part.done": return this.#items.partDone(event, "content");
      case "response.reasoning_summary_part.added": return this.#items.addPart(event, "summary");
      case "response.reasoning_summary_part.done": return this.#items.partDone(event, "summary");
      case "response.audio.delta": return this.#notes.output.audio(textAt(event, "delta"));
      default:
        if (type.endsWith(".delta")) this.#notes.output.unclear(textAt(event, "delta").length);
    }
  }

  #fail(): void {
    this.#isOver = true;
    this.#notes.isFailed = true;
  }
}

/** Each has a fee of its own (https://openai.com/api/pricing). A page that is opened counts as a search too: which of them cost is not said for certain. */
function noteSearch(item: JsonObject, notes: AnswerNotes): void {
  const type = textAt(item, "type");
  if (type === "web_search_call") notes.webSearches += 1;
  else if (type === "file_search_call") notes.fileSearches += 1;
}

/** The answer in one piece. */
export function readResponseBody(body: JsonObject, json: string, notes: AnswerNotes): void {
  notes.nameModel(body["model"]);
  notes.isFailed = body["status"] === "failed";
  for (const item of objectsAt(body, "output")) {
    noteSearch(item, notes);
    for (const name of ["name", "arguments", "input", "code"]) notes.output.text(textAt(item, name));
    const parts = [...objectsAt(item, "content"), ...objectsAt(item, "summary")];
    for (const part of parts) for (const name of ["text", "refusal"]) notes.output.text(textAt(part, name));
  }
  notes.report(body["usage"], json, true);
}
