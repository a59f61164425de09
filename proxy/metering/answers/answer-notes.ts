import { hasRepeatedNames, isObject, parseObject, type JsonObject } from "./json-text.ts";
import { OutputTally } from "./output-tally.ts";
import type { StreamEvent } from "./framing/framing.ts";

/** What the reader of an answer has found so far. */
export class AnswerNotes {
  readonly output: OutputTally;
  /** The model that answers, by its own word; null as long as it has not said. */
  model: string | null = null;
  /** The provider has said that it failed: that it reports no usage is no surprise. */
  isFailed = false;
  /** Thoughts were seen; what is billed may be more than what is shown of them. */
  hasThought = false;
  /** Searches that the provider made and charges for, which its report leaves out. */
  webSearches = 0;
  fileSearches = 0;
  #usage: JsonObject | null = null;
  #isFinal = false;
  #isMalformed = false;

  /** @param output where what is written is counted: another's, for the reader of an answer inside an answer */
  constructor(output: OutputTally = new OutputTally()) {
    this.output = output;
  }

  /** What was reported last, in the provider's own shape; null if nothing was. */
  get usage(): JsonObject | null {
    return this.#usage;
  }

  /** True if the report came that counts for the whole answer. */
  get isFinal(): boolean {
    return this.#isFinal;
  }

  /** True if something in the place of a report was none. */
  get isMalformed(): boolean {
    return this.#isMalformed;
  }

  /** @returns null for an event that nobody can read; it counts as output */
  objectOf({ data }: StreamEvent): JsonObject | null {
    const object = parseObject(data);
    if (object === null) this.output.unclear(data.length);
    return object;
  }

  nameModel(model: unknown): void {
    if (typeof model === "string" && model.length > 0 && model.length <= 200) this.model = model;
  }

  /**
   * Takes a report of usage; the last one counts.
   * @param json what it stands in, as written
   * @param isFinal true if it counts for the whole answer
   */
  report(usage: unknown, json: string, isFinal: boolean): void {
    if (usage === null || usage === undefined) return;
    if (!isObject(usage) || hasRepeatedNames(json)) {
      this.#isMalformed = true;
      return;
    }
    this.#usage = usage;
    this.#isFinal ||= isFinal;
  }

  /** Nothing comes after: what was reported last, if anything was, counts for the whole answer. */
  finish(): void {
    this.#isFinal ||= this.#usage !== null;
  }

  /** The same for reports that are cumulative and leave out what has not changed: numbers that are not 0 replace those before them. */
  merge(usage: unknown, json: string, isFinal: boolean): void {
    if (!isObject(usage) || this.#usage === null) return this.report(usage, json, isFinal);
    const before = this.#usage;
    const news = Object.entries(usage).filter(([name, value]) => (value !== null && value !== 0) || !(name in before));
    this.report({ ...before, ...Object.fromEntries(news) }, json, isFinal);
  }
}
