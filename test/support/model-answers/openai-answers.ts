import { EVENT_SOURCE, JSON_TYPE, type RecordedAnswer } from "./recorded-answer.ts";
import { eventSource } from "./wire-forms.ts";

const CHAT_USAGE = {
  prompt_tokens: 1_117, completion_tokens: 46, total_tokens: 1_163, prompt_tokens_details: { cached_tokens: 1_024, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 12, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
};
const BASE = { id: "chatcmpl-BQVm9hIeQ", object: "chat.completion.chunk", created: 1_746_650_000, model: "gpt-4o-2024-08-06", service_tier: "default", system_fingerprint: "fp_f5bdcc3276" };

/** The chunks of a chat that says a word, thinks of `"usage":null`, and calls a tool. @param more fields of each chunk: `usage: null` where usage was asked for */
export function chatChunks(more: object, base: object = BASE): readonly object[] {
  const chunk = (delta: object, finish_reason: string | null = null, index = 0) => ({ ...base, choices: [{ index, delta, logprobs: null, finish_reason }], ...more, obfuscation: "x7" });
  return [
    chunk({ role: "assistant", content: "", refusal: null }), chunk({ content: "Grüße aus 東京 👋" }), chunk({ content: ' {"usage":null} and {"usage":{"prompt_tokens":9}} said' }),
    chunk({ tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: "read_file", arguments: "" } }] }),
    chunk({ tool_calls: [{ index: 0, function: { arguments: '{"path":"/etc' } }] }), chunk({ tool_calls: [{ index: 0, function: { arguments: '/hosts"}' } }] }),
    chunk({}, "tool_calls"),
  ];
}

const usageChunk = (usage: object, base: object = BASE) => ({ ...base, choices: [], usage });
const whole = (usage: object, model = "gpt-4o-2024-08-06") => ({ id: "chatcmpl-1", object: "chat.completion", created: 1, model, choices: [{ index: 0, message: { role: "assistant", content: "Hello there." }, logprobs: null, finish_reason: "stop" }], usage });

const openai = { api: "openai-chat", provider: "openai", model: "gpt-4o" } as const;

function chatStreams(): readonly RecordedAnswer[] {
  const asked = eventSource([...chatChunks({ usage: null }), usageChunk(CHAT_USAGE)], { isDone: true });
  const unasked = Buffer.from(eventSource(chatChunks({}), { isDone: true }));
  const common = { ...openai, isStream: true, headers: EVENT_SOURCE, whole: { body: whole(CHAT_USAGE), flavor: "chat" } };
  return [
    { ...common, name: "OpenAI chat, usage asked for", bytes: Buffer.from(asked) },
    { ...common, name: "OpenAI chat, usage asked for by us", isUsageInjected: true, bytes: Buffer.from(asked), passed: unasked },
    { ...common, name: "OpenAI chat, CRLF", isUsageInjected: true, bytes: Buffer.from(asked.replaceAll("\n", "\r\n")), passed: Buffer.from(unasked.toString().replaceAll("\n", "\r\n")) },
    { ...common, name: "OpenAI chat, CR", isUsageInjected: true, bytes: Buffer.from(asked.replaceAll("\n", "\r")), passed: Buffer.from(unasked.toString().replaceAll("\n", "\r")) },
    { ...common, name: "OpenAI chat, mark, comments, no last empty line", bytes: Buffer.from(`\ufeff: OPENROUTER PROCESSING\n\n${asked.replaceAll("data: ", ": keep-alive\nretry: 10\ndata:").slice(0, -1)}`) },
    { ...common, name: "Azure, filter results first", provider: "azure", bytes: Buffer.from(eventSource([{ ...usageChunk({}), usage: null, prompt_filter_results: [{ prompt_index: 0 }] }, ...chatChunks({ usage: null }), usageChunk(CHAT_USAGE)], { isDone: true })) },
  ];
}

function chatBodies(): readonly RecordedAnswer[] {
  const audio = { prompt_tokens: 120, completion_tokens: 400, total_tokens: 520, prompt_tokens_details: { cached_tokens: 0, audio_tokens: 100 }, completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 350 } };
  const body = (name: string, usage: object, more: Partial<RecordedAnswer> = {}): RecordedAnswer => {
    const text = whole(usage, more.model);
    return { ...openai, name, isStream: false, headers: JSON_TYPE, bytes: Buffer.from(JSON.stringify(text, null, 2)), whole: { body: text, flavor: "chat" }, ...more };
  };
  return [
    body("OpenAI chat in one piece", CHAT_USAGE), body("OpenAI chat with audio", audio, { model: "gpt-4o-audio-preview" }),
    body("Azure in one piece", CHAT_USAGE, { provider: "azure" }), body("DeepSeek in one piece", CHAT_USAGE, { provider: "deepseek", model: "deepseek-chat" }),
    body("x.ai in one piece, reasoning beside the completion", { ...CHAT_USAGE, completion_tokens_details: { reasoning_tokens: 300 }, total_tokens: 1_463 }, { provider: "x-ai", model: "grok-4" }),
    body("Perplexity in one piece, with what it cites", { prompt_tokens: 30, completion_tokens: 200, citation_tokens: 50, reasoning_tokens: 20, num_search_queries: 2, total_tokens: 300 }, { provider: "perplexity", model: "sonar", whole: { body: whole({ prompt_tokens: 30, completion_tokens: 200, citation_tokens: 50, reasoning_tokens: 20, num_search_queries: 2 }, "sonar"), flavor: "default" } }),
  ];
}

function otherChats(): readonly RecordedAnswer[] {
  const mistral = { prompt_tokens: 48, total_tokens: 131, completion_tokens: 83, prompt_tokens_details: { cached_tokens: 16 } };
  const base = { id: "cmpl-e5cc70bb", object: "chat.completion.chunk", created: 1_690_000_000, model: "mistral-large-latest" };
  const thought = { type: "thinking", thinking: [{ type: "text", text: "Let me see." }] };
  const streamed = eventSource([
    { ...base, choices: [{ index: 0, delta: { role: "assistant", content: [thought] }, finish_reason: null }] },
    { ...base, choices: [{ index: 0, delta: { content: "Bonjour" }, finish_reason: null }] },
    { ...base, choices: [{ index: 0, delta: { content: "" }, finish_reason: "stop" }], usage: mistral },
  ], { isDone: true });
  const router = { prompt_tokens: 194, completion_tokens: 20, total_tokens: 214, cost: 0.000_685_3, is_byok: false, cost_details: { upstream_inference_cost: null }, prompt_tokens_details: { cached_tokens: 0 }, completion_tokens_details: { reasoning_tokens: 0 } };
  const routed = (usage: object) => `: OPENROUTER PROCESSING\n\n${eventSource([...chatChunks({}, { id: "gen-1", provider: "OpenAI", model: "openai/gpt-4o", object: "chat.completion.chunk", created: 1 }), { id: "gen-1", model: "openai/gpt-4o", object: "chat.completion.chunk", created: 1, choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }], usage }], { isDone: true })}`;
  const openrouter = { api: "openrouter-chat", provider: "openrouter", model: "openai/gpt-4o", isStream: true, headers: EVENT_SOURCE } as const;
  return [
    { name: "Mistral, usage in the last chunk", api: "mistral-chat", provider: "mistral", model: "mistral-large-latest", isStream: true, headers: EVENT_SOURCE, bytes: Buffer.from(streamed), whole: { body: whole(mistral, "mistral-large-latest"), flavor: "default" } },
    { ...openrouter, name: "OpenRouter, its own cost", bytes: Buffer.from(routed(router)), whole: null, costNanoUsd: 685_300n },
    { ...openrouter, name: "OpenRouter, the customer's own key", bytes: Buffer.from(routed({ ...router, cost: 0.000_034, is_byok: true, cost_details: { upstream_inference_cost: 0.000_685 } })), whole: null, costNanoUsd: 719_000n },
    { ...openrouter, name: "OpenRouter, no cost", bytes: Buffer.from(routed({ ...router, cost: undefined, is_byok: undefined, cost_details: undefined })), whole: { body: whole({ ...router, cost: undefined }, "openai/gpt-4o"), flavor: "chat" } },
    { name: "OpenAI embeddings", api: "openai-embeddings", provider: "openai", model: "text-embedding-3-small", isStream: false, headers: JSON_TYPE, ...embeddings() },
  ];
}

function embeddings(): Pick<RecordedAnswer, "bytes" | "whole"> {
  const body = { object: "list", data: [{ object: "embedding", index: 0, embedding: [0.0023, -0.009, 1e-9] }], model: "text-embedding-3-small", usage: { prompt_tokens: 8, total_tokens: 8 } };
  return { bytes: Buffer.from(JSON.stringify(body)), whole: { body, flavor: "embeddings" } };
}

export const openAiAnswers: readonly RecordedAnswer[] = [...chatStreams(), ...chatBodies(), ...otherChats()];
