import { openAnswerMeter } from "../proxy/metering/answers/open-answer-meter.ts";
import { chatChunks } from "../test/support/model-answers/openai-answers.ts";
import { contextFor } from "../test/support/model-answers/answer-context.ts";
import { messageEvents } from "../test/support/model-answers/anthropic-answers.ts";
import { geminiChunks } from "../test/support/model-answers/gemini-answers.ts";
import { AWS_STREAM, EVENT_SOURCE, JSON_TYPE, type RecordedAnswer } from "../test/support/model-answers/recorded-answer.ts";
import { awsFrame, eventSource, jsonArray } from "../test/support/model-answers/wire-forms.ts";

/** CPU time that reading an answer of a model takes as it passes: median over the rounds. */
export interface AnswerResult {
  readonly scenario: string;
  readonly events: number;
  readonly megabytes: number;
  /** One event in each chunk, as providers send them. */
  readonly microsPerEvent: number;
  /** In chunks of 16 KiB, as a fast answer or a replayed one comes. */
  readonly microsPerMegabyte: number;
  /** To say at the end what it came to. */
  readonly resultMicros: number;
}

const ROUNDS = 5;
const EVENTS = 2_000;
const CHUNK_BYTES = 16 * 1024;
const WORDS = "A weir does not stop a river, it steers it";

interface Scenario {
  readonly name: string;
  readonly asked: Parameters<typeof contextFor>[0];
  readonly headers: RecordedAnswer["headers"];
  readonly events: readonly Buffer[];
}

/** Streams of 2,000 events, each a few words. */
export function run(): AnswerResult[] {
  return scenarios().map(({ name, asked, headers, events }) => {
    const bytes = Buffer.concat(events);
    const chunks = Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, index) => bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES));
    const pass = (parts: readonly Buffer[]) => {
      const meter = openAnswerMeter(contextFor(asked), 200, headers);
      for (const part of parts) meter.push(part);
      meter.end();
      return meter;
    };
    const whole = pass(events);
    return {
      scenario: name, events: events.length, megabytes: bytes.length / 1e6,
      microsPerEvent: medianMicros(() => pass(events)) / events.length, microsPerMegabyte: medianMicros(() => pass(chunks)) / (bytes.length / 1e6),
      resultMicros: medianMicros(() => { for (let done = 0; done < 1_000; done += 1) whole.result("complete"); }) / 1_000,
    };
  });
}

function scenarios(): readonly Scenario[] {
  const many = <T>(of: (index: number) => T) => Array.from({ length: EVENTS }, (_, index) => of(index));
  const usage = { prompt_tokens: 900, completion_tokens: EVENTS * 10, total_tokens: 900 + EVENTS * 10 };
  const chunk = (more: object) => ({ ...chatChunks(more)[1], choices: [{ index: 0, delta: { content: WORDS }, logprobs: null, finish_reason: null }] });
  const last = (text: object) => ({ ...text, choices: [], usage });
  const chat = (more: object) => [...many(() => Buffer.from(eventSource([chunk(more)]))), Buffer.from(eventSource([last(chunk({}))], { isDone: true }))];
  const [start, , ...rest] = messageEvents({ input_tokens: 900, output_tokens: 1 }, [{ output_tokens: EVENTS * 10 }]);
  const block = { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: WORDS } };
  const events = [start ?? {}, ...many(() => block), ...rest.slice(-2)];
  const said = geminiChunks({ promptTokenCount: 900, candidatesTokenCount: EVENTS * 10, totalTokenCount: 900 + EVENTS * 10 });
  const gemini = many((index) => said[index === EVENTS - 1 ? 2 : 1] ?? {});
  const metadata = awsFrame("metadata", { usage: { inputTokens: 900, outputTokens: EVENTS * 10 } });
  const converse = [...many(() => awsFrame("contentBlockDelta", { contentBlockIndex: 0, delta: { text: WORDS } })), metadata];
  const openai = { api: "openai-chat", provider: "openai", model: "gpt-4o", isStream: true } as const;
  const anthropic = { api: "anthropic-messages", provider: "anthropic", model: "claude-sonnet-4-5", isStream: true } as const;
  const google = { api: "gemini-generate", provider: "google", model: "gemini-2.5-pro", isStream: true } as const;
  const aws = { api: "bedrock-converse", provider: "aws", model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0", isStream: true } as const;
  return [
    { name: "OpenAI chat", asked: openai, headers: EVENT_SOURCE, events: chat({}) },
    { name: "OpenAI chat, usage kept to ourselves", asked: { ...openai, isUsageInjected: true }, headers: EVENT_SOURCE, events: chat({ usage: null }) },
    { name: "Anthropic", asked: anthropic, headers: EVENT_SOURCE, events: events.map((event) => Buffer.from(eventSource([event], { isNamed: true }))) },
    { name: "Gemini, array", asked: google, headers: JSON_TYPE, events: pieces(jsonArray(gemini)) },
    { name: "ConverseStream", asked: aws, headers: AWS_STREAM, events: converse },
  ];
}

/** An array as its elements come. */
function pieces(text: string): readonly Buffer[] {
  return text.split(/(?<=\n),\r\n/).map((piece, index) => Buffer.from(index === 0 ? piece : `,\r\n${piece}`));
}

function medianMicros(work: () => unknown): number {
  const rounds: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    // The first only warms up.
    if (round > 0) rounds.push(user + system);
  }
  return rounds.sort((one, other) => one - other)[Math.floor(ROUNDS / 2)] ?? 0;
}

if (import.meta.main) {
  for (const { scenario, microsPerEvent, microsPerMegabyte, resultMicros } of run()) {
    process.stdout.write(`${scenario.padEnd(40)} ${microsPerEvent.toFixed(1)} us an event, ${(microsPerMegabyte / 1_000).toFixed(1)} ms a MB, ${resultMicros.toFixed(0)} us at the end\n`);
  }
}
