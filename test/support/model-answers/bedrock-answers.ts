import { AWS_STREAM, JSON_TYPE, type RecordedAnswer } from "./recorded-answer.ts";
import { CLAUDE, messageEvents } from "./anthropic-answers.ts";
import { awsFrames, invokeFrames } from "./wire-forms.ts";

const MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const USAGE = { inputTokens: 472, outputTokens: 89, totalTokens: 11_561, cacheReadInputTokens: 9_000, cacheWriteInputTokens: 2_000 };
const METRICS = { inputTokenCount: 472, outputTokenCount: 89, cacheReadInputTokenCount: 9_000, cacheWriteInputTokenCount: 2_000, invocationLatency: 2_012, firstByteLatency: 502 };
const ANTHROPIC_USAGE = { input_tokens: 472, cache_creation_input_tokens: 2_000, cache_read_input_tokens: 9_000, output_tokens: 89 };

/** The events of an answer that thinks, speaks and calls a tool; the last one is its usage. */
export const converseEvents: readonly (readonly [string, object])[] = [
  ["messageStart", { role: "assistant", p: "abc" }],
  ["contentBlockDelta", { contentBlockIndex: 0, delta: { reasoningContent: { text: "Looking" } }, p: "ab" }], ["contentBlockStop", { contentBlockIndex: 0 }],
  ["contentBlockDelta", { contentBlockIndex: 1, delta: { text: "Grüße 👋" } }], ["contentBlockStop", { contentBlockIndex: 1 }],
  ["contentBlockStart", { contentBlockIndex: 2, start: { toolUse: { toolUseId: "tooluse_1", name: "read_file" } } }],
  ["contentBlockDelta", { contentBlockIndex: 2, delta: { toolUse: { input: '{"path":"/etc/hosts"}' } } }], ["contentBlockStop", { contentBlockIndex: 2 }],
  ["messageStop", { stopReason: "tool_use" }], ["metadata", { usage: USAGE, metrics: { latencyMs: 1_275 }, p: "abcdef" }],
];

const aws = { provider: "aws", model: MODEL } as const;
const WHOLE = { usage: USAGE };
const invoked = messageEvents({ ...ANTHROPIC_USAGE, output_tokens: 1 }, [{ output_tokens: 89 }], CLAUDE);
const counted = [...invoked.slice(0, -1), { type: "message_stop", "amazon-bedrock-invocationMetrics": METRICS }];
const HEADERS = [
  ...JSON_TYPE, ["x-amzn-bedrock-invocation-latency", "2012"], ["x-amzn-bedrock-input-token-count", "472"], ["x-amzn-bedrock-output-token-count", "89"],
  ["x-amzn-bedrock-cache-read-input-token-count", "9000"], ["x-amzn-bedrock-cache-write-input-token-count", "2000"],
] as const;
const LLAMA = [
  { generation: "Hello", prompt_token_count: 25, generation_token_count: 1, stop_reason: null },
  { generation: " there", prompt_token_count: null, generation_token_count: 2, stop_reason: "stop", "amazon-bedrock-invocationMetrics": { inputTokenCount: 25, outputTokenCount: 2, invocationLatency: 306, firstByteLatency: 200 } },
];
const NOVA = [
  { messageStart: { role: "assistant" } }, { contentBlockDelta: { delta: { text: "Hello" }, contentBlockIndex: 0 } }, { contentBlockStop: { contentBlockIndex: 0 } }, { messageStop: { stopReason: "end_turn" } },
  { metadata: { usage: { inputTokens: 472, outputTokens: 89 } }, "amazon-bedrock-invocationMetrics": { inputTokenCount: 472, outputTokenCount: 89 } },
];

export const bedrockAnswers: readonly RecordedAnswer[] = [
  { ...aws, name: "Converse in one piece", api: "bedrock-converse", isStream: false, headers: JSON_TYPE, bytes: Buffer.from(JSON.stringify({ output: { message: { role: "assistant", content: [{ text: "Hello" }, { toolUse: { toolUseId: "t", name: "f", input: { a: 1 } } }] } }, stopReason: "end_turn", usage: USAGE, metrics: { latencyMs: 1 } })), whole: { body: WHOLE, flavor: "default" } },
  { ...aws, name: "ConverseStream", api: "bedrock-converse", isStream: true, headers: AWS_STREAM, bytes: awsFrames(converseEvents), whole: { body: WHOLE, flavor: "default" } },
  { ...aws, name: "InvokeModel, Claude, counted in headers", api: "bedrock-invoke", isStream: false, headers: HEADERS, bytes: Buffer.from(JSON.stringify({ id: "msg_1", type: "message", role: "assistant", model: CLAUDE, content: [{ type: "text", text: "Hello" }], stop_reason: "end_turn", usage: ANTHROPIC_USAGE })), whole: { body: { usage: ANTHROPIC_USAGE }, flavor: "anthropic" } },
  { ...aws, name: "InvokeModel, Claude, no headers", api: "bedrock-invoke", isStream: false, headers: JSON_TYPE, bytes: Buffer.from(JSON.stringify({ content: [{ type: "text", text: "Hello" }], usage: ANTHROPIC_USAGE })), whole: { body: { usage: ANTHROPIC_USAGE }, flavor: "anthropic" } },
  { ...aws, name: "InvokeModelWithResponseStream, Claude", api: "bedrock-invoke", isStream: true, headers: AWS_STREAM, bytes: invokeFrames(counted), whole: { body: { usage: ANTHROPIC_USAGE }, flavor: "anthropic" } },
  { ...aws, name: "InvokeModelWithResponseStream, Llama", api: "bedrock-invoke", model: "meta.llama3-70b-instruct-v1:0", isStream: true, headers: AWS_STREAM, bytes: invokeFrames(LLAMA), whole: { body: { usage: { inputTokens: 25, outputTokens: 2 } }, flavor: "default" } },
  { ...aws, name: "InvokeModelWithResponseStream, Nova", api: "bedrock-invoke", model: "amazon.nova-pro-v1:0", isStream: true, headers: AWS_STREAM, bytes: invokeFrames(NOVA), whole: { body: { usage: { inputTokens: 472, outputTokens: 89 } }, flavor: "default" } },
];
