import { describe, expect, test } from "vitest";
import { openAnswerMeter } from "../../../../../../proxy/metering/answers/open-answer-meter.ts";
import { contextFor } from "../../../../../support/model-answers/answer-context.ts";
import { EVENT_SOURCE } from "../../../../../support/model-answers/recorded-answer.ts";

const GEMINI = { api: "gemini-generate", provider: "google", model: "gemini-2.5-pro", isStream: true } as const;
/** Of the input, the provider has said enough. */
const HELD = { input: 3, output: 10_000 };
const RUNNING = { promptTokenCount: 3, candidatesTokenCount: 1, totalTokenCount: 4 };

const candidate = (index: number, finish: object = {}) => ({ content: { parts: [{ text: "a" }] }, index, ...finish });
const STOP = { finishReason: "STOP" };
const chunk = (candidates: readonly object[], more: object = {}) => `data: ${JSON.stringify({ candidates, usageMetadata: RUNNING, modelVersion: "gemini-2.5-pro", ...more })}\n\n`;

function use(events: readonly string[], choices: number, outcome: "complete" | "cut" = "cut") {
  const meter = openAnswerMeter(contextFor(GEMINI, { choices }), 200, EVENT_SOURCE);
  for (const event of events) meter.push(Buffer.from(event));
  if (outcome === "complete") meter.end();
  return meter.result(outcome);
}

describe("an answer of Gemini that is left", () => {
  test("is charged all that was held as long as one of the candidates that were asked for goes on", () => {
    expect(use([chunk([candidate(0)])], 1)).toMatchObject({ tokens: HELD, isEstimated: true });
    expect(use([chunk([candidate(0, STOP)])], 8)).toMatchObject({ tokens: HELD, isEstimated: true });
    expect(use([chunk([candidate(0, STOP)]), chunk([candidate(1, STOP)])], 2)).toMatchObject({ tokens: { input: 3, output: 1 }, isEstimated: false });
  });

  test("is over where its prompt was blocked, not where it was only judged, and not by an error that is null", () => {
    expect(use([chunk([], { promptFeedback: { blockReason: "SAFETY" } })], 1).isEstimated).toBe(false);
    expect(use([chunk([candidate(0)], { promptFeedback: { safetyRatings: [] } })], 1)).toMatchObject({ tokens: HELD });
    expect(use([chunk([candidate(0)], { error: null })], 1)).toMatchObject({ tokens: HELD });
  });

  test("counts as reported where the provider ends it with fewer candidates than were asked for", () => {
    expect(use([chunk([candidate(0, STOP)])], 8, "complete")).toMatchObject({ alarms: [], tokens: { input: 3, output: 1 }, isEstimated: false });
    expect(use([chunk([candidate(0)])], 1, "complete").alarms).toEqual(["missing"]);
  });
});
