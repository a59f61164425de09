import { describe, expect, test } from "vitest";
import { openAnswerMeter } from "../../../../../proxy/metering/answers/open-answer-meter.ts";
import { contextFor, RECORDED_ANSWERS } from "../../../../support/model-answers/answer-context.ts";
import { eventsIn, problemOf, type WireForm } from "../../../../support/model-answers/ended-stream.ts";
import { AWS_STREAM, EVENT_SOURCE, type RecordedAnswer } from "../../../../support/model-answers/recorded-answer.ts";

function formOf({ headers }: RecordedAnswer): WireForm {
  if (headers === EVENT_SOURCE) return "event-source";
  return headers === AWS_STREAM ? "aws-event-stream" : "json-array";
}

/** A prime, so that cuts fall on all places of events; the proof `usage-fidelity` takes every byte. */
const STRIDE_BYTES = 17;
const OWN_END = ["mark, comments", "Llama", "Nova"];
const STREAMS = RECORDED_ANSWERS.filter(({ isStream, name }) => isStream && !OWN_END.some((part) => name.includes(part)));

describe.each(STREAMS)("$name, cut anywhere", (answer) => {
  test("ends as its API ends, in whole events, and says no more after that", () => {
    for (let cut = 0; cut < answer.bytes.length; cut += STRIDE_BYTES) {
      const meter = openAnswerMeter(contextFor(answer), 200, answer.headers);
      const passed = [meter.push(answer.bytes.subarray(0, cut)), meter.cut()];
      expect([meter.push(answer.bytes.subarray(cut)), meter.cut(), meter.end()].map(({ length }) => length), `byte ${cut}`).toEqual([0, 0, 0]);
      const bytes = Buffer.concat(passed);
      expect(problemOf(answer.api, eventsIn(bytes, formOf(answer))), `byte ${cut}: ${bytes.subarray(-400).toString()}`).toBeNull();
    }
  });
});

describe("a stream without a limit of output", () => {
  const GPT = { api: "openai-chat", provider: "openai", model: "gpt-4o", isStream: true } as const;
  const chunk = (content: string) => Buffer.from(`data: ${JSON.stringify({ id: "c", choices: [{ index: 0, delta: { content } }] })}\n\n`);

  test("asks one step ahead, by steps that grow, and never holds less than what may have been written", () => {
    const context = contextFor(GPT, { maxOutputTokens: null });
    const meter = openAnswerMeter(context, 200, EVENT_SOURCE);
    const asked = new Set<bigint>();
    for (let sent = 0; sent < 20_000; sent += 100) {
      meter.push(chunk("x".repeat(100)));
      const held = (meter.soFar["output-tokens"] ?? 0n) + (meter.step?.["output-tokens"] ?? 0n);
      asked.add(held);
      expect(held).toBeGreaterThanOrEqual(BigInt(sent + 100 + 500));
    }
    expect([...asked].slice(0, 6)).toEqual([1_000n, 2_000n, 3_000n, 4_000n, 5_000n, 6_250n]);
    expect(asked.size).toBeLessThan(15);
    expect(meter.soFar.usd! + meter.step!.usd!).toBeGreaterThanOrEqual(meter.result("cut").amounts.usd!);
  });

  test("its twin with a limit asks for nothing", () => {
    const meter = openAnswerMeter(contextFor(GPT), 200, EVENT_SOURCE);
    meter.push(chunk("x".repeat(100_000)));
    expect(meter.step).toBeNull();
  });

  test("counts every kind of delta", () => {
    const deltas = [
      { content: "0123456789" }, { refusal: "0123456789" }, { reasoning_content: "0123456789" }, { reasoning: "0123456789" },
      { tool_calls: [{ index: 0, function: { name: "01234", arguments: "56789" } }] }, { audio: { transcript: "0123456789" } }, { content: [{ type: "thinking", thinking: [{ type: "text", text: "0123456789" }] }] },
    ];
    for (const delta of deltas) {
      const meter = openAnswerMeter(contextFor(GPT, { maxOutputTokens: null }), 200, EVENT_SOURCE);
      meter.push(Buffer.from(`data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`));
      expect(meter.soFar["output-tokens"], JSON.stringify(delta)).toBeGreaterThanOrEqual(10n);
    }
  });

  test("tells a client that asked for usage what it used when it is cut, and no other", () => {
    for (const isUsageInjected of [true, false]) {
      const meter = openAnswerMeter(contextFor({ ...GPT, isUsageInjected }, { maxOutputTokens: null }), 200, EVENT_SOURCE);
      meter.push(chunk("Hello"));
      expect(meter.cut().includes("usage")).toBe(!isUsageInjected);
    }
  });
});

describe("the form of an answer", () => {
  const body = "{\"model\":\"gpt-4o\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}";
  const GPT = { api: "openai-chat", provider: "openai", model: "gpt-4o", isStream: true } as const;
  const count = (text: string, headers: RecordedAnswer["headers"]) => {
    const meter = openAnswerMeter(contextFor(GPT), 200, headers);
    expect(meter.push(Buffer.from(text)).toString() + meter.end().toString()).toBe(text);
    return meter.result("complete");
  };

  test("is what its content type says, or what it begins with", () => {
    expect(count(` \n${body}`, [["content-type", "application/json"]])).toMatchObject({ alarms: [], tokens: { input: 9 } });
    expect(count(body, [])).toMatchObject({ alarms: [], tokens: { input: 9 } });
    expect(count(`data: ${body}\n\n`, [])).toMatchObject({ alarms: [], tokens: { input: 9 } });
    expect(count(`data: ${body}\n\n`, [["content-type", "text/plain"]])).toMatchObject({ alarms: [], tokens: { input: 9 } });
  });

  test("may be nested deeper than the engine bears, or one letter for long: nothing is thrown, and it is charged", () => {
    const deep = `${"{\"a\":".repeat(200_000)}1${"}".repeat(200_000)}`;
    const call = `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":${deep}}}]}}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":1}}`;
    const meter = openAnswerMeter(contextFor({ api: "gemini-generate", provider: "google", model: "gemini-2.5-pro", isStream: true }), 200, EVENT_SOURCE);
    expect(meter.push(Buffer.from(`data: ${call}\n\n`)).length).toBe(call.length + 8);
    expect(meter.cut().length).toBeGreaterThan(0);
    expect(meter.result("cut").amounts.usd).toBeGreaterThan(0n);
    const run = body.replace("[]", `[{"index":0,"message":{"content":"${"=".repeat(250_000)}"}}]`);
    expect(count(run, [["content-type", "application/json"]])).toMatchObject({ alarms: [], tokens: { input: 9, output: 1 } });
  });

  test("is unreadable where it is neither, and is charged as an estimate", () => {
    expect(count("<html>", [["content-type", "text/html"]])).toMatchObject({ alarms: ["missing"], isEstimated: true, tokens: { input: 500 } });
  });
});
