import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Clock } from "../../common/clock.ts";
import { compileData } from "../../proxy/policy/compile-data.ts";
import { policyData } from "../../proxy/policy/data.ts";
import type { PolicyInput } from "../../proxy/policy/policy-engine.ts";
import { readDefaultBundle } from "../../proxy/policy/shipped-files.ts";
import { WasmPolicy, type WasmLimits } from "../../proxy/policy/wasm-policy.ts";
import { GOLDEN_DATA, goldenQuestions } from "./golden/questions.ts";
import { anExchange } from "./questions.ts";

const LIMITS: WasmLimits = { deadlineMs: 50, memoryLimitBytes: 4 << 20 };
const UNAVAILABLE = expect.objectContaining({ code: "policy.unavailable" });
const data = compileData(policyData.parse({ hosts: [{ name: "api.example.com", rule: "api.read" }] }));

/** A clock whose monotonic time goes on by `stepMs` each time somebody looks. */
function tickingClock(stepMs: number): Clock & { stepMs: number } {
  let nowMs = 0;
  return { stepMs, nowMs: () => 1_767_225_600_000, monotonicMs() { nowMs += this.stepMs; return nowMs; } };
}

const openDefault = async (limits = LIMITS, clock: Clock = tickingClock(1)) => WasmPolicy.open((await readDefaultBundle()).wasm, data, { limits, clock });
const withHeaderOf = (bytes: number) => anExchange({ request: { headers: { "x-large": "x".repeat(bytes) } } });
const ALLOWED = [{ result: expect.objectContaining({ allow: true, rule: "api.read" }) }];

/** Questions about what was read, with the data that they are about. */
function goldenReadings() {
  const questions = goldenQuestions().filter(({ question, input }) => question === "exchange" && input.read !== undefined).map(({ input }) => input);
  return { data: compileData(policyData.parse(GOLDEN_DATA)), questions };
}

/** Counts fresh instances from here on. */
function countInstances() {
  const instantiated = vi.spyOn(WebAssembly, "Instance");
  onTestFinished(() => { instantiated.mockRestore(); });
  return instantiated;
}

describe("a policy in WebAssembly", () => {
  test("gives the result set of the entry point that was asked", async () => {
    expect(await (await openDefault()).evaluate("exchange", anExchange())).toEqual(ALLOWED);
  });

  test("that runs out of memory fails, and the next question is answered by a fresh instance", async () => {
    const policy = await openDefault();
    const instantiated = countInstances();
    await expect(policy.evaluate("exchange", withHeaderOf(8 << 20))).rejects.toThrow(UNAVAILABLE);
    expect(await policy.evaluate("exchange", anExchange())).toEqual(ALLOWED);
    expect(instantiated).toHaveBeenCalledTimes(1);
  });

  test("answers about parts that share what was read as about each alone", async () => {
    const { data: golden, questions } = goldenReadings();
    const policy = await WasmPolicy.open((await readDefaultBundle()).wasm, golden, { limits: { ...LIMITS, deadlineMs: 60_000, memoryLimitBytes: 16 << 20 }, clock: tickingClock(0) });
    for (const json of [{ channel: "C1", list: [1, "two", null] }, null, "text", "x".repeat(100_000)]) {
      const inputs = questions.map((input) => ({ ...input, json }));
      const alone: unknown[] = [];
      for (const input of inputs) alone.push(await policy.evaluate("exchange", input));
      expect(await policy.evaluateAll("exchange", inputs)).toEqual(alone);
      expect(await policy.evaluate("exchange", inputs[0]!)).toEqual(alone[0]);
    }
  });

  test.each([["a value", { json: { a: "x\ud83d" } }], ["a key", { json: { "\udc00": 1 } }], ["behind a backslash", { json: "\\\ud83d" }], ["a part", { mcp: { tool: "\ud83d" } }]])("that is asked about half a surrogate pair in %s refuses the request, and is as good as before", async (_where, part) => {
    const policy = await openDefault();
    const instantiated = countInstances();
    const asked = { ...anExchange(), ...part } as PolicyInput;
    await expect(policy.evaluate("exchange", asked)).rejects.toMatchObject({ code: "request.malformed" });
    await expect(policy.evaluateAll("exchange", [asked, asked])).rejects.toMatchObject({ code: "request.malformed" });
    expect(await policy.evaluate("exchange", anExchange())).toEqual(ALLOWED);
    expect(instantiated).not.toHaveBeenCalled();
  });

  test.each(["\ud83d\ude00", "\\ud83d", "\\\\ud83d"])("takes the whole pair or the plain text %j", async (text) => {
    expect(await (await openDefault()).evaluate("exchange", { ...anExchange(), json: { [text]: text } })).toEqual(ALLOWED);
  });

  test("that traps while it parses fails, with the reason as an error", async () => {
    const policy = await openDefault();
    const failure: unknown = await policy.evaluate("exchange", withHeaderOf(2 << 20)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "policy.unavailable", cause: expect.any(Error) });
    expect(await policy.evaluate("exchange", anExchange())).toEqual(ALLOWED);
  });

  test("that nests too deeply fails, and the next question is answered", async () => {
    const policy = await openDefault();
    const nested = JSON.parse(`${"[".repeat(200_000)}${"]".repeat(200_000)}`) as never;
    await expect(policy.evaluate("exchange", { ...anExchange(), budgets: nested })).rejects.toThrow(UNAVAILABLE);
    expect(await policy.evaluate("exchange", anExchange())).toEqual(ALLOWED);
  });

  test("that answers after the deadline has not answered", async () => {
    const clock = tickingClock(1);
    const policy = await openDefault(LIMITS, clock);
    clock.stepMs = 51;
    await expect(policy.evaluate("exchange", anExchange())).rejects.toThrow(UNAVAILABLE);
    clock.stepMs = 50;
    expect(await policy.evaluate("exchange", anExchange())).toEqual(ALLOWED);
  });

  test.each([["undefined", undefined], ["null", null], ["false", false], ["0", 0], ["\"\"", ""]])("is not asked about %s, which OPA takes for no input", async (_, input) => {
    await expect((await openDefault()).evaluate("exchange", input as unknown as PolicyInput)).rejects.toThrow(UNAVAILABLE);
  });

  test("keeps nothing of one question for the next", async () => {
    const policy = await openDefault();
    for (let round = 0; round < 2_000; round += 1) {
      expect(await policy.evaluate("exchange", anExchange({ connection: { name: "evil.test" } }))).toEqual([{ result: expect.objectContaining({ allow: false, rule: "hosts.default" }) }]);
      expect(await policy.evaluate("exchange", anExchange())).toEqual(ALLOWED);
    }
  });

  test("gives memory back: an instance that had to grow for one question is replaced, one that had not is kept", async () => {
    const policy = await openDefault({ ...LIMITS, memoryLimitBytes: 32 << 20 });
    const instantiated = countInstances();
    for (let round = 0; round < 10; round += 1) expect(await policy.evaluate("exchange", anExchange())).toEqual(ALLOWED);
    expect(instantiated).toHaveBeenCalledTimes(0);
    expect(await policy.evaluate("exchange", withHeaderOf(9 << 20))).toEqual(ALLOWED);
    expect(await policy.evaluate("exchange", anExchange())).toEqual(ALLOWED);
    expect(instantiated).toHaveBeenCalledTimes(1);
  });

  test("whose data does not fit into its memory is not opened", async () => {
    const { wasm } = await readDefaultBundle();
    const large = { egress: data.egress, custom: { text: "x".repeat(4 << 20) } };
    await expect(WasmPolicy.open(wasm, large, { limits: { deadlineMs: 50, memoryLimitBytes: 2 << 20 }, clock: tickingClock(1) })).rejects.toThrow("could not be loaded");
  });

  test("that is no WebAssembly is not opened", async () => {
    await expect(WasmPolicy.open(new TextEncoder().encode("not wasm"), {}, { limits: LIMITS, clock: tickingClock(1) })).rejects.toThrow("is no WebAssembly");
  });
});
