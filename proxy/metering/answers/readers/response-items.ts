import { indexAt, objectAt, textAt, type JsonObject } from "../json-text.ts";

/** An event of the Responses API before it has its number. */
export interface ResponseEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** A part of an item: what its text is called, and how its end is said. */
interface Part {
  readonly fields: JsonObject;
  readonly place: JsonObject;
  readonly textField: "text" | "refusal";
  readonly event: string;
  readonly list: "content" | "summary";
  text: string;
  isOpen: boolean;
}

interface Item {
  fields: JsonObject;
  readonly parts: Map<string, Part>;
  /** Of a call of a tool. */
  input: string;
  isOpen: boolean;
}

/** The events of a part's text, by the part's type. */
const PART_EVENTS: Readonly<Record<string, string>> = {
  summary_text: "response.reasoning_summary_text", refusal: "response.refusal", reasoning_text: "response.reasoning_text", output_text: "response.output_text",
};
/** Kinds of items whose content is one text, and the name of its field. */
const INPUT_FIELDS: Readonly<Record<string, { readonly field: string; readonly event: string }>> = {
  function_call: { field: "arguments", event: "response.function_call_arguments" },
  custom_tool_call: { field: "input", event: "response.custom_tool_call_input" },
  mcp_call: { field: "arguments", event: "response.mcp_call_arguments" },
};
/** What is remembered of one response, in characters, so that an ending can repeat it; an answer beyond this ends without its texts. */
const REMEMBERED_CHARACTERS = 1024 * 1024;

/** The output of a response as far as it has been seen, so that what is open can be closed as the API does it. */
export class ResponseItems {
  readonly #items = new Map<number, Item>();
  #characters = 0;

  add(event: JsonObject): void {
    this.#items.set(indexAt(event, "output_index"), { fields: objectAt(event, "item"), parts: new Map(), input: "", isOpen: true });
  }

  done(event: JsonObject): void {
    const item = this.#itemOf(event);
    if (item === undefined) return;
    item.isOpen = false;
    item.fields = objectAt(event, "item");
    item.parts.clear();
  }

  addPart(event: JsonObject, list: Part["list"]): void {
    const fields = objectAt(event, "part");
    const kind = PART_EVENTS[textAt(fields, "type")] ?? "response.output_text";
    const textField = kind === "response.refusal" ? "refusal" : "text";
    this.#itemOf(event)?.parts.set(keyOf(event, list), { fields, place: placeOf(event, list), textField, event: kind, list, text: "", isOpen: true });
  }

  partDone(event: JsonObject, list: Part["list"]): void {
    const part = this.#itemOf(event)?.parts.get(keyOf(event, list));
    if (part !== undefined) part.isOpen = false;
  }

  /** @param list where the text belongs; null for the input of a tool */
  delta(event: JsonObject, list: Part["list"] | null): void {
    const text = textAt(event, "delta");
    const item = this.#itemOf(event);
    this.#characters += text.length;
    if (item === undefined || this.#characters > REMEMBERED_CHARACTERS) return;
    if (list === null) item.input += text;
    const part = list === null ? undefined : item.parts.get(keyOf(event, list));
    if (part !== undefined) part.text += text;
  }

  /** The events that close what is open. */
  closing(): readonly ResponseEvent[] {
    return [...this.#items].filter(([, item]) => item.isOpen).flatMap(([index, item]) => {
      const fields = wholeOf(item);
      const place = { item_id: item.fields["id"], output_index: index };
      const call = INPUT_FIELDS[textAt(fields, "type")];
      const parts = [...item.parts.values()].filter(({ isOpen }) => isOpen).flatMap(closingOf);
      const input = call === undefined ? [] : [{ type: `${call.event}.done`, ...place, [call.field]: item.input }];
      return [...parts, ...input, { type: "response.output_item.done", output_index: index, item: fields }];
    });
  }

  /** All items, those that were open as they are then. */
  output(): readonly JsonObject[] {
    return [...this.#items].sort(([one], [other]) => one - other).map(([, item]) => (item.isOpen ? wholeOf(item) : item.fields));
  }

  #itemOf(event: JsonObject): Item | undefined {
    return this.#items.get(indexAt(event, "output_index"));
  }
}

function placeOf(event: JsonObject, list: Part["list"]): JsonObject {
  const name = list === "content" ? "content_index" : "summary_index";
  return { item_id: event["item_id"], output_index: event["output_index"], [name]: indexAt(event, name) };
}

function keyOf(event: JsonObject, list: Part["list"]): string {
  return `${list} ${indexAt(event, list === "content" ? "content_index" : "summary_index")}`;
}

function closingOf(part: Part): readonly ResponseEvent[] {
  const { event, place, textField, text, list } = part;
  const logprobs = event === "response.output_text" ? { logprobs: [] } : {};
  const end = list === "summary" ? "response.reasoning_summary_part.done" : "response.content_part.done";
  return [{ type: `${event}.done`, ...place, [textField]: text, ...logprobs }, { type: end, ...place, part: { ...part.fields, [textField]: text } }];
}

function wholeOf({ fields, parts, input }: Item): JsonObject {
  const call = INPUT_FIELDS[textAt(fields, "type")];
  const lists: Record<string, JsonObject[]> = {};
  for (const part of parts.values()) (lists[part.list] ??= []).push({ ...part.fields, [part.textField]: part.text });
  return { ...fields, ...lists, ...(call === undefined ? {} : { [call.field]: input }), status: "incomplete" };
}
