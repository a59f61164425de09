import { expect, test } from "vitest";
import { openAnswerMeter } from "../../../../../../proxy/metering/answers/open-answer-meter.ts";
import { contextFor } from "../../../../../support/model-answers/answer-context.ts";
import { EVENT_SOURCE } from "../../../../../support/model-answers/recorded-answer.ts";
import { eventSource } from "../../../../../support/model-answers/wire-forms.ts";

const CLAUDE = { api: "anthropic-messages", provider: "anthropic", model: "claude-sonnet-4-5", isStream: true } as const;
const START = { type: "message_start", message: { model: "claude-sonnet-4-5", usage: { input_tokens: 3, output_tokens: 1 } } };
const delta = (stop_reason: string | null) => ({ type: "message_delta", delta: { stop_reason }, usage: { output_tokens: 5 } });

function left(events: readonly object[], rounds = 1) {
  const meter = openAnswerMeter(contextFor(CLAUDE, { rounds }), 200, EVENT_SOURCE);
  meter.push(Buffer.from(eventSource([START, ...events], { isNamed: true })));
  return meter.result("cut");
}

test("usage in the middle of a message is not all of it: one that is left is charged the output that was held, until it stops", () => {
  expect(left([delta(null)])).toMatchObject({ tokens: { input: 3, output: 10_000 }, isEstimated: true });
  expect(left([delta("end_turn")])).toMatchObject({ tokens: { input: 3, output: 5 }, isEstimated: false });
  expect(left([delta(null), { type: "message_stop" }])).toMatchObject({ tokens: { input: 3, output: 5 }, isEstimated: false });
});

test("the input of a message that is left while the provider may search and ask again is all that was held", () => {
  expect(left([], 5)).toMatchObject({ tokens: { input: 100_000, output: 10_000 }, isEstimated: true });
  expect(left([delta("end_turn")], 5)).toMatchObject({ tokens: { input: 3, output: 5 }, isEstimated: false });
  expect(left([])).toMatchObject({ tokens: { input: 3, output: 10_000 } });
});
