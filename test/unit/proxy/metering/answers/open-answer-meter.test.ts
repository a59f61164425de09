import { calcPrice, extractUsage, findProvider } from "@pydantic/genai-prices";
import { describe, expect, test } from "vitest";
import { openAnswerMeter } from "../../../../../proxy/metering/answers/open-answer-meter.ts";
import { contextFor, NOW_MS, RECORDED_ANSWERS } from "../../../../support/model-answers/answer-context.ts";
import type { RecordedAnswer } from "../../../../support/model-answers/recorded-answer.ts";

/** What the price library makes of the whole response, in nano-dollars. */
function libraryCost({ provider, model, whole, costNanoUsd = 0n }: RecordedAnswer): bigint {
  if (whole === null) return costNanoUsd;
  const { usage } = extractUsage(findProvider({ providerId: whole.extractor ?? provider })!, whole.body, whole.flavor);
  const named = (whole.body as { model?: string }).model ?? model;
  return BigInt(Math.ceil(calcPrice(usage, named, { providerId: provider, timestamp: new Date(NOW_MS) })!.total_price * 1e9));
}

function watch(answer: RecordedAnswer, cuts: readonly number[]) {
  const meter = openAnswerMeter(contextFor(answer), 200, answer.headers);
  const out: Buffer[] = [];
  let at = 0;
  for (const cut of [...cuts, answer.bytes.length]) {
    out.push(Buffer.from(meter.push(Buffer.from(answer.bytes.subarray(at, cut)))));
    at = cut;
  }
  out.push(meter.end());
  return { passed: Buffer.concat(out), use: meter.result("complete") };
}

describe.each(RECORDED_ANSWERS)("$name", (answer) => {
  test("is charged what the price library says of the whole response, and passes as it came", () => {
    const { passed, use } = watch(answer, []);
    expect(passed.toString("latin1")).toBe((answer.passed ?? answer.bytes).toString("latin1"));
    expect(use.alarms).toEqual([]);
    expect(use.isEstimated).toBe(false);
    expect(use.amounts.usd).toBe(libraryCost(answer));
    expect(use.amounts.usd).toBe(use.reportedNanoUsd);
  });

  test("comes to the same byte by byte", () => {
    const whole = watch(answer, []);
    expect(watch(answer, Array.from({ length: answer.bytes.length }, (_, index) => index))).toEqual(whole);
  });
});
