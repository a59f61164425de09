import { EVENT_SOURCE, JSON_TYPE, type RecordedAnswer } from "./recorded-answer.ts";
import { eventSource } from "./wire-forms.ts";

const INPUT = { input_tokens: 472, cache_creation_input_tokens: 2_000, cache_read_input_tokens: 9_000, cache_creation: { ephemeral_5m_input_tokens: 500, ephemeral_1h_input_tokens: 1_500 }, service_tier: "standard" };
const ZERO_INPUT = { input_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
export const CLAUDE = "claude-sonnet-4-5-20250929";

/** A message that thinks, speaks and calls a tool. @param start usage in its first event @param deltas usage in its last ones */
export function messageEvents(start: object, deltas: readonly object[], model = CLAUDE): readonly object[] {
  const block = (index: number, content_block: object, pieces: readonly object[]) => [
    { type: "content_block_start", index, content_block }, ...pieces.map((delta) => ({ type: "content_block_delta", index, delta })), { type: "content_block_stop", index },
  ];
  return [
    { type: "message_start", message: { id: "msg_01XFDUDYJgAACzvnptvVoYEL", type: "message", role: "assistant", model, content: [], stop_reason: null, stop_sequence: null, usage: start } },
    { type: "ping" },
    ...block(0, { type: "thinking", thinking: "", signature: "" }, [{ type: "thinking_delta", thinking: "27 times 453" }, { type: "signature_delta", signature: "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds" }]),
    ...block(1, { type: "text", text: "" }, [{ type: "text_delta", text: "Grüße 👋 " }, { type: "text_delta", text: "it is 12231, \"usage\":{\"output_tokens\":1}" }]),
    ...block(2, { type: "tool_use", id: "toolu_01", name: "get_weather", input: {} }, [{ type: "input_json_delta", partial_json: "" }, { type: "input_json_delta", partial_json: '{"location": "San Fra' }, { type: "input_json_delta", partial_json: 'ncisco"}' }]),
    ...deltas.map((usage, index) => ({ type: "message_delta", delta: { stop_reason: index === deltas.length - 1 ? "tool_use" : null, stop_sequence: null }, usage })),
    { type: "message_stop" },
  ];
}

function whole(usage: object, model = CLAUDE): object {
  return { id: "msg_1", type: "message", role: "assistant", model, content: [{ type: "text", text: "Hello there." }, { type: "tool_use", id: "toolu_1", name: "f", input: { a: 1 } }], stop_reason: "tool_use", stop_sequence: null, usage };
}

function stream(name: string, start: object, deltas: readonly object[], usage: object): RecordedAnswer {
  const bytes = Buffer.from(eventSource(messageEvents(start, deltas), { isNamed: true }));
  return { name, api: "anthropic-messages", provider: "anthropic", model: "claude-sonnet-4-5", isStream: true, headers: EVENT_SOURCE, bytes, whole: { body: whole(usage), flavor: "default" } };
}

const TOLD = { ...INPUT, output_tokens: 89, server_tool_use: { web_search_requests: 2 } };

function piece(name: string, provider: string, usage: object, flavor: string): RecordedAnswer {
  const body = whole(usage);
  return { name, api: "anthropic-messages", provider, model: "claude-sonnet-4-5", isStream: false, headers: JSON_TYPE, bytes: Buffer.from(JSON.stringify(body)), whole: { body, flavor } };
}

export const anthropicAnswers: readonly RecordedAnswer[] = [
  stream("Anthropic, output in the last event", { ...INPUT, output_tokens: 1 }, [{ output_tokens: 89 }], { ...INPUT, output_tokens: 89 }),
  stream("Anthropic, several deltas, each cumulative", { ...INPUT, output_tokens: 1 }, [{ output_tokens: 20 }, { output_tokens: 50 }, { ...TOLD }], TOLD),
  stream("Anthropic's shape by a gateway, all in the last event", { ...ZERO_INPUT, output_tokens: 0 }, [{ ...INPUT, output_tokens: 89 }], { ...INPUT, output_tokens: 89 }),
  stream("Anthropic's shape by a gateway, zeros in the last event", { ...INPUT, output_tokens: 0 }, [{ ...ZERO_INPUT, output_tokens: 89 }], { ...INPUT, output_tokens: 89 }),
  piece("Anthropic in one piece", "anthropic", { ...TOLD, output_tokens_details: { thinking_tokens: 7 } }, "default"),
  piece("Anthropic on Vertex in one piece", "google", { ...INPUT, output_tokens: 89 }, "anthropic"),
];
