import type { TokenCounts } from "../../../model/metered-call.ts";
import type { AnswerNotes } from "../answer-notes.ts";
import type { Fate, StreamEvent } from "../framing/framing.ts";
import { indexAt, isObject, objectAt, objectsAt, textAt, withoutMember, type JsonObject } from "../json-text.ts";
import type { StreamReader } from "./reader.ts";

const DONE: StreamEvent = { name: null, data: "[DONE]" };

/** How the client wants to hear of usage: in a chunk of its own, in the last chunk (Mistral), or not at all. */
export type UsageForm = "chunk" | "last" | "none";

export interface ChatStreamOptions {
  /** Usage was asked for in the client's place. */
  readonly isUsageInjected: boolean;
  readonly usageForm: UsageForm;
  /** For a stream that ends before it has said its model. */
  readonly model: string;
  /** That were asked for. */
  readonly choices: number;
}

/**
 * Chat Completions, of OpenAI and of all who speak it (https://platform.openai.com/docs/api-reference/chat-streaming): usage is in the last chunk, if
 * it was asked for; some servers say in every chunk what was used so far. Where we asked, the client gets what it would have got: no chunk of usage, and no `"usage":null` in the others.
 */
export class ChatStreamReader implements StreamReader {
  readonly #notes: AnswerNotes;
  readonly #options: ChatStreamOptions;
  readonly #finished = new Set<number>();
  readonly #choices = new Set<number>();
  #last: JsonObject = {};
  #hasUsage = false;
  #isDone = false;

  constructor(notes: AnswerNotes, options: ChatStreamOptions) {
    this.#notes = notes;
    this.#options = options;
  }

  read(event: StreamEvent): Fate {
    if (this.#isDone) return "pass";
    if (event.data.trim() === DONE.data) return this.#finish();
    const chunk = this.#notes.objectOf(event);
    if (chunk === null) return "pass";
    if (isObject(chunk["error"])) this.#notes.isFailed = true;
    if (textAt(chunk, "id") !== "") this.#last = chunk;
    this.#notes.nameModel(chunk["model"]);
    const choices = objectsAt(chunk, "choices");
    for (const choice of choices) this.#readChoice(choice);
    this.#notes.report(chunk["usage"], event.data, this.#isLast(chunk));
    return this.#fateOf(chunk, choices.length, event);
  }

  end(): void {
    if (this.#finished.size > 0 && this.#finished.size === this.#choices.size) this.#notes.finish();
  }

  ending(spent: TokenCounts): readonly StreamEvent[] {
    if (this.#isDone) return [];
    const { usageForm } = this.#options;
    const usage = { prompt_tokens: spent.input, completion_tokens: spent.output, total_tokens: spent.input + spent.output };
    const open = (this.#choices.size === 0 ? [0] : [...this.#choices]).filter((index) => !this.#finished.has(index));
    // Clients want to know who speaks, even where nobody has.
    const delta = this.#choices.size === 0 ? { role: "assistant", content: "" } : {};
    const chunks = open.map((index, at) => this.#chunk([{ index, delta, logprobs: null, finish_reason: "length" }], {
      none: {}, chunk: { usage: null }, last: at === open.length - 1 ? { usage } : {},
    }[usageForm]));
    return [...chunks, ...(usageForm === "chunk" && !this.#hasUsage ? [this.#chunk([], { usage })] : []), DONE];
  }

  #finish(): Fate {
    this.#isDone = true;
    this.#notes.finish();
    return "pass";
  }

  /** True if all that was asked for is over, or the chunk has nothing but usage; a chunk in the middle may say what was used so far. */
  #isLast({ choices }: JsonObject): boolean {
    const isAlone = Array.isArray(choices) && choices.length === 0 && this.#finished.size === this.#choices.size;
    return isAlone || this.#finished.size >= this.#options.choices;
  }

  #readChoice(choice: JsonObject): void {
    const index = indexAt(choice, "index");
    this.#choices.add(index);
    if (typeof choice["finish_reason"] === "string") this.#finished.add(index);
    readMessage(objectAt(choice, "delta"), this.#notes);
  }

  #fateOf(chunk: JsonObject, choices: number, { data }: StreamEvent): Fate {
    const isUsage = isObject(chunk["usage"]);
    if (isUsage) this.#hasUsage = true;
    if (!this.#options.isUsageInjected) return "pass";
    if (isUsage && choices === 0) return "swallow";
    return "usage" in chunk ? { data: withoutMember(data, "usage") } : "pass";
  }

  #chunk(choices: readonly object[], more: object): StreamEvent {
    const { id = "chatcmpl-0", created = 0, model = this.#options.model } = this.#last;
    return { name: null, data: JSON.stringify({ id, object: "chat.completion.chunk", created, model, choices, ...more }) };
  }
}

/** The answer in one piece; an answer of embeddings too, which has no choices. */
export function readChatBody(body: JsonObject, json: string, notes: AnswerNotes): void {
  notes.nameModel(body["model"]);
  for (const choice of objectsAt(body, "choices")) readMessage(objectAt(choice, "message"), notes);
  notes.report(body["usage"], json, true);
}

function readMessage(message: JsonObject, { output }: AnswerNotes): void {
  for (const name of ["content", "refusal", "reasoning_content"]) readContent(message[name], output);
  // OpenRouter says its reasoning twice where it says it in parts.
  if (message["reasoning_content"] === undefined) output.text(textAt(message, "reasoning"));
  const calls = objectsAt(message, "tool_calls").map((call) => ({ ...objectAt(call, "function"), ...objectAt(call, "custom") }));
  for (const call of [...calls, objectAt(message, "function_call")]) for (const name of ["name", "arguments", "input"]) output.text(textAt(call, name));
  const audio = objectAt(message, "audio");
  output.text(textAt(audio, "transcript"));
  output.audio(textAt(audio, "data"));
}

/** Text, or parts of text and of thinking (Mistral). */
function readContent(content: unknown, output: AnswerNotes["output"]): void {
  if (typeof content === "string") output.text(content);
  if (!Array.isArray(content)) return;
  for (const part of content.filter(isObject)) {
    output.text(textAt(part, "text"));
    readContent(part["thinking"], output);
  }
}
