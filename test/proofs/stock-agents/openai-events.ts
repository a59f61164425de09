import { inPieces, lastWords, TASK_COMMAND } from "./agent-task.ts";

/** One item of a response's output, and the pieces in which its content is streamed. */
export interface OutputItem {
  readonly item: Readonly<Record<string, unknown>> & { readonly id: string };
  /** Name of the field that the pieces add up to. */
  readonly content: "arguments" | "input" | "text";
  readonly pieces: readonly string[];
}

/** Which response it is, of which model. */
export interface ResponseName {
  readonly id: string;
  readonly model: string;
}

export interface ResponseEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Of the one call that the model makes; its output names it. */
export const CALL_ID = "call_Unx1ZEzGW1pL7Y3s";

/** What a tool that runs commands is given. Of the stock clients each has another one. */
const CALLS: Readonly<Record<string, { readonly content: "arguments" | "input"; readonly value: string }>> = {
  // Codex, its JavaScript in which tools are functions.
  exec: { content: "input", value: `const done = await tools.exec_command({ cmd: ${JSON.stringify(TASK_COMMAND)} });\ntext(done.output);\n` },
  // Codex, other models.
  exec_command: { content: "arguments", value: JSON.stringify({ cmd: TASK_COMMAND }) },
  shell_command: { content: "arguments", value: JSON.stringify({ command: TASK_COMMAND }) },
  run_command: { content: "arguments", value: JSON.stringify({ command: TASK_COMMAND }) },
};

/** A call of the first of these tools that can run a command. @returns null if none can */
export function callItem(tools: readonly Readonly<Record<string, unknown>>[]): OutputItem | null {
  for (const tool of tools) {
    const call = CALLS[String(tool["name"])];
    if (call === undefined) continue;
    const { content, value } = call;
    const type = content === "input" ? "custom_tool_call" : "function_call";
    const space = tool["namespace"] === undefined ? {} : { namespace: tool["namespace"] };
    return { item: { id: "fc_67ccd3acc8d48190", type, status: "completed", call_id: CALL_ID, name: tool["name"], ...space }, content, pieces: inPieces(value) };
  }
  return null;
}

/** The model's last words. */
export function messageItem(realKey: string): OutputItem {
  return { item: { id: "msg_67ccd2bf17f0819081ff3bb2cf6508e6", type: "message", status: "completed", role: "assistant" }, content: "text", pieces: lastWords(realKey) };
}

const USAGE = { input_tokens: 328, input_tokens_details: { cached_tokens: 0 }, output_tokens: 52, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 380 };

/**
 * All events of a response in the order of the documentation: https://developers.openai.com/api/reference/resources/responses/streaming-events.
 * @param output null for a response that says nothing
 */
export function responseEvents(response: ResponseName, output: OutputItem | null): readonly ResponseEvent[] {
  const finished = output === null ? [] : [finishedOf(output)];
  const events: readonly ResponseEvent[] = [
    { type: "response.created", response: responseOf(response, "in_progress", []) },
    { type: "response.in_progress", response: responseOf(response, "in_progress", []) },
    ...output === null ? [] : outputEvents(output),
    { type: "response.completed", response: { ...responseOf(response, "completed", finished), usage: USAGE } },
  ];
  return events.map((event, index) => ({ ...event, sequence_number: index }));
}

function outputEvents(output: OutputItem): readonly ResponseEvent[] {
  const { item, content, pieces } = output;
  const place = { output_index: 0, item_id: item.id };
  const whole = pieces.join("");
  const middle: readonly ResponseEvent[] = content === "text" ? [
    { type: "response.content_part.added", ...place, content_index: 0, part: partOf("") },
    ...pieces.map((delta) => ({ type: "response.output_text.delta", ...place, content_index: 0, delta, logprobs: [] })),
    { type: "response.output_text.done", ...place, content_index: 0, text: whole, logprobs: [] },
    { type: "response.content_part.done", ...place, content_index: 0, part: partOf(whole) },
  ] : callEvents(content === "input" ? "response.custom_tool_call_input" : "response.function_call_arguments", { place, content, pieces });
  return [
    { type: "response.output_item.added", output_index: 0, item: { ...item, status: "in_progress", ...(content === "text" ? { content: [] } : { [content]: "" }) } },
    ...middle,
    { type: "response.output_item.done", output_index: 0, item: finishedOf(output) },
  ];
}

function finishedOf({ item, content, pieces }: OutputItem): object {
  const whole = pieces.join("");
  return content === "text" ? { ...item, content: [partOf(whole)] } : { ...item, [content]: whole };
}

function partOf(text: string): object {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

function callEvents(name: string, { place, content, pieces }: { place: object; content: string; pieces: readonly string[] }): readonly ResponseEvent[] {
  return [...pieces.map((delta) => ({ type: `${name}.delta`, ...place, delta })), { type: `${name}.done`, ...place, [content]: pieces.join("") }];
}

function responseOf({ id, model }: ResponseName, status: string, output: readonly object[]): Record<string, unknown> {
  return {
    id, object: "response", created_at: 1_741_476_542, status, error: null, incomplete_details: null, instructions: null,
    max_output_tokens: null, model, output, parallel_tool_calls: true, previous_response_id: null, reasoning: { effort: null, summary: null }, store: false,
    temperature: 1, text: { format: { type: "text" } }, tool_choice: "auto", tools: [], top_p: 1, truncation: "disabled", usage: null, user: null, metadata: {},
  };
}
