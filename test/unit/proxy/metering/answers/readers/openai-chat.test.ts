import { describe, expect, test } from "vitest";
import { openAnswerMeter } from "../../../../../../proxy/metering/answers/open-answer-meter.ts";
import { contextFor } from "../../../../../support/model-answers/answer-context.ts";
import { EVENT_SOURCE } from "../../../../../support/model-answers/recorded-answer.ts";

const GPT = { api: "openai-chat", provider: "openai", model: "gpt-4o", isStream: true } as const;
const HELD = { input: 100_000, output: 10_000 };
/** Of the input, the provider has said enough. */
const HELD_OUTPUT = { input: 12, output: 10_000 };
const RUNNING = { prompt_tokens: 12, completion_tokens: 1, total_tokens: 13 };
const DONE = "data: [DONE]\n\n";

const choice = (index: number, finish: string | null = null) => ({ index, delta: { content: "hi" }, finish_reason: finish });
const chunk = (choices: readonly object[], usage: object | null, more: object = {}) => `data: ${JSON.stringify({ id: "a", model: "gpt-4o", choices, usage, ...more })}\n\n`;

function use(events: readonly string[], { outcome = "cut", choices = 1 }: { readonly outcome?: "complete" | "cut"; readonly choices?: number } = {}) {
  const meter = openAnswerMeter(contextFor(GPT, { choices }), 200, EVENT_SOURCE);
  for (const event of events) meter.push(Buffer.from(event));
  if (outcome === "complete") meter.end();
  return meter.result(outcome);
}

describe("a chat that says in every chunk what was used so far, and is left", () => {
  test("is charged all that was held, and its twin that had ended what was reported", () => {
    expect(use([chunk([choice(0)], RUNNING)])).toMatchObject({ tokens: HELD_OUTPUT, isEstimated: true });
    expect(use([chunk([choice(0)], RUNNING), DONE])).toMatchObject({ tokens: { input: 12, output: 1 }, isEstimated: false });
    expect(use([chunk([choice(0, "stop")], RUNNING)])).toMatchObject({ tokens: { input: 12, output: 1 }, isEstimated: false });
    expect(use([chunk([choice(0, "stop")], null), chunk([], RUNNING)])).toMatchObject({ tokens: { input: 12, output: 1 }, isEstimated: false });
  });

  test("is charged all that was held as long as one of the choices that were asked for goes on, seen or not", () => {
    expect(use([chunk([choice(0, "stop")], RUNNING)], { choices: 2 }).isEstimated).toBe(true);
    expect(use([chunk([choice(0), choice(1, "stop")], RUNNING), chunk([], RUNNING)], { choices: 2 }).isEstimated).toBe(true);
    expect(use([chunk([choice(0, "stop")], RUNNING), chunk([choice(1, "stop")], RUNNING)], { choices: 2 }).isEstimated).toBe(false);
  });

  test("is charged what was reported last where the provider ends it, with its mark or without", () => {
    const last = { prompt_tokens: 12, completion_tokens: 2, total_tokens: 14 };
    const events = [chunk([choice(0)], RUNNING), chunk([choice(0, "stop")], last)];
    for (const more of [[], [DONE]]) expect(use([...events, ...more], { outcome: "complete", choices: 2 })).toMatchObject({ alarms: [], tokens: { input: 12, output: 2 } });
    expect(use([chunk([choice(0)], RUNNING)], { outcome: "complete" }).alarms, "broken off").toEqual(["missing"]);
  });
});

test("an error that is null is none: the chat that is left is charged all that was held, one that failed what was seen", () => {
  expect(use([chunk([choice(0)], null, { error: null })])).toMatchObject({ tokens: HELD });
  expect(use([chunk([choice(0)], null, { error: "none" })])).toMatchObject({ tokens: HELD });
  expect(use([chunk([choice(0)], null), chunk([], null, { error: { message: "overloaded" } })]).tokens).toMatchObject({ input: 500 });
});
