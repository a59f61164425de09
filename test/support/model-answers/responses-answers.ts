import { EVENT_SOURCE, JSON_TYPE, type RecordedAnswer } from "./recorded-answer.ts";
import { eventSource } from "./wire-forms.ts";

const USAGE = { input_tokens: 328, input_tokens_details: { cached_tokens: 256 }, output_tokens: 152, output_tokens_details: { reasoning_tokens: 64 }, total_tokens: 480 };

function responseOf(status: string, usage: object | null, output: readonly object[]): object {
  return {
    id: "resp_67ccd2bed1ec", object: "response", created_at: 1_741_476_542, status, error: null, incomplete_details: null, instructions: null, max_output_tokens: null, model: "gpt-5-2025-08-07", output,
    parallel_tool_calls: true, previous_response_id: null, reasoning: { effort: "medium", summary: null }, store: true, temperature: 1, text: { format: { type: "text" } }, tool_choice: "auto", tools: [], top_p: 1, truncation: "disabled", usage, metadata: {},
  };
}

/** A response that thinks aloud, speaks and calls a tool, up to its last event. */
export function responseEvents(): readonly object[] {
  const reasoning = { id: "rs_1", type: "reasoning", summary: [] };
  const message = { id: "msg_1", type: "message", status: "in_progress", role: "assistant", content: [] };
  const call = { id: "fc_1", type: "function_call", status: "in_progress", call_id: "call_1", name: "read_file", arguments: "" };
  const events = [
    { type: "response.created", response: responseOf("in_progress", null, []) }, { type: "response.in_progress", response: responseOf("in_progress", null, []) },
    { type: "response.output_item.added", output_index: 0, item: reasoning },
    { type: "response.reasoning_summary_part.added", item_id: "rs_1", output_index: 0, summary_index: 0, part: { type: "summary_text", text: "" } },
    { type: "response.reasoning_summary_text.delta", item_id: "rs_1", output_index: 0, summary_index: 0, delta: "**Looking**" },
    { type: "response.reasoning_summary_text.done", item_id: "rs_1", output_index: 0, summary_index: 0, text: "**Looking**" },
    { type: "response.reasoning_summary_part.done", item_id: "rs_1", output_index: 0, summary_index: 0, part: { type: "summary_text", text: "**Looking**" } },
    { type: "response.output_item.done", output_index: 0, item: { ...reasoning, summary: [{ type: "summary_text", text: "**Looking**" }] } },
    { type: "response.output_item.added", output_index: 1, item: message },
    { type: "response.content_part.added", item_id: "msg_1", output_index: 1, content_index: 0, part: { type: "output_text", text: "", annotations: [], logprobs: [] } },
    { type: "response.output_text.delta", item_id: "msg_1", output_index: 1, content_index: 0, delta: "Grüße ", logprobs: [] },
    { type: "response.output_text.delta", item_id: "msg_1", output_index: 1, content_index: 0, delta: "👋 from here", logprobs: [] },
    { type: "response.output_text.done", item_id: "msg_1", output_index: 1, content_index: 0, text: "Grüße 👋 from here", logprobs: [] },
    { type: "response.content_part.done", item_id: "msg_1", output_index: 1, content_index: 0, part: { type: "output_text", text: "Grüße 👋 from here", annotations: [], logprobs: [] } },
    { type: "response.output_item.done", output_index: 1, item: { ...message, status: "completed", content: [{ type: "output_text", text: "Grüße 👋 from here", annotations: [], logprobs: [] }] } },
    { type: "response.output_item.added", output_index: 2, item: call },
    { type: "response.function_call_arguments.delta", item_id: "fc_1", output_index: 2, delta: '{"path":' },
    { type: "response.function_call_arguments.delta", item_id: "fc_1", output_index: 2, delta: '"/etc/hosts"}' },
    { type: "response.function_call_arguments.done", item_id: "fc_1", output_index: 2, arguments: '{"path":"/etc/hosts"}' },
    { type: "response.output_item.done", output_index: 2, item: { ...call, status: "completed", arguments: '{"path":"/etc/hosts"}' } },
  ];
  return events.map((event, sequence_number) => ({ ...event, sequence_number }));
}

function stream(status: "completed" | "incomplete" | "failed", provider: string): RecordedAnswer {
  const body = responseOf(status, USAGE, []);
  const events = responseEvents();
  const bytes = Buffer.from(eventSource([...events, { type: `response.${status}`, response: body, sequence_number: events.length }], { isNamed: true }));
  return { name: `${provider} responses, ${status}`, api: "openai-responses", provider, model: "gpt-5", isStream: true, headers: EVENT_SOURCE, bytes, whole: { body, flavor: "responses" } };
}

const WHOLE = responseOf("completed", USAGE, [{ id: "msg_1", type: "message", status: "completed", role: "assistant", content: [{ type: "output_text", text: "Hello there, \"usage\": not here.", annotations: [] }] }]);

export const responsesAnswers: readonly RecordedAnswer[] = [
  stream("completed", "openai"), stream("incomplete", "openai"), stream("failed", "openai"), stream("completed", "azure"),
  { name: "openai responses in one piece", api: "openai-responses", provider: "openai", model: "gpt-5", isStream: false, headers: JSON_TYPE, bytes: Buffer.from(JSON.stringify(WHOLE)), whole: { body: WHOLE, flavor: "responses" } },
];
