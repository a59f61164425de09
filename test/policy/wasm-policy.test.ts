import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Clock } from "../../common/clock.ts";
import { compileData } from "../../proxy/policy/compile-data.ts";
import { policyData } from "../../proxy/policy/data.ts";
import type { PolicyInput } from "../../proxy/policy/policy-engine.ts";
import { readDefaultBundle } from "../../proxy/policy/shipped-files.ts";
import { WasmPolicy, type WasmLimits } from "../../proxy/policy/wasm-policy.ts";
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
    await expect(WasmPolicy.open(new TextEncoder().encode("not wasm"), {}, { limits: LIMITS, clock: tickingClock(1) })).rejects.toThrow("expected magic word");
  });
});
