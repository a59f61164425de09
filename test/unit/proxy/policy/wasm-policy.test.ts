import { describe, expect, test } from "vitest";
import type { PolicyInput } from "../../../../proxy/policy/policy-engine.ts";
import { WasmPolicy } from "../../../../proxy/policy/wasm-policy.ts";
import { I64, op, type WrittenFunction } from "../../../support/wasm-module.ts";
import { TestClock } from "../../../support/test-clock.ts";
import { writtenPolicy } from "../../../support/wasm-policy.ts";

const INPUT = { version: 1, agent: { namespace: "a", name: "b" } } as PolicyInput;
const LIMITS = { deadlineMs: 1_000, memoryLimitBytes: 4 << 20 };
const open = async (replaced: Parameters<typeof writtenPolicy>[0]) => WasmPolicy.open(writtenPolicy(replaced), {}, { limits: LIMITS, clock: new TestClock() });
/** Asks the host, by the number of a builtin, about a text of its own. */
const asking = (id: number): Partial<WrittenFunction> => ({ body: [...op.i32(id), ...op.i32(0), ...op.i32(512), ...op.call(0)] });

describe("a policy that nobody compiled", () => {
  test("answers if it does as others do", async () => {
    expect(await (await open({})).evaluate("exchange", INPUT)).toEqual([]);
  });

  test.each<readonly [string, Readonly<Record<string, Partial<WrittenFunction>>>]>([
    ["with an answer beyond its memory", { opa_eval: { body: op.i32(2 ** 30) } }],
    ["with an answer below zero", { opa_eval: { body: op.i32(-8) } }],
    ["with an answer that is no address", { opa_eval: { body: op.i64(1), result: I64 } }],
    ["with no answer", { opa_eval: { body: op.i32(8192) } }],
    ["with more answers than there are questions", { opa_eval: { body: op.i32(1024) } }],
    ["with an answer that is no JSON", { opa_eval: { body: op.i32(65) } }],
    ["that asks for a builtin that nobody has", { opa_eval: asking(12) }],
    ["that asks for a function to be put right that it has not", { opa_eval: asking(1_000_009) }],
    ["that asks about a value beyond its memory", { opa_eval: asking(1_000_005), opa_value_dump: { body: op.i32(-1) } }],
    ["that names what its host reads values with for a builtin", { opa_eval: asking(1_000_005), opa_value_dump: { name: "opa_json_unmarshal" } }],
  ])("%s is unavailable, and nothing else happens", async (_, replaced) => {
    const policy = await open(replaced);
    for (let turn = 0; turn < 2; turn += 1) await expect(policy.evaluate("exchange", INPUT)).rejects.toMatchObject({ code: "policy.unavailable" });
  });

  test.each<readonly [string, Readonly<Record<string, Partial<WrittenFunction>>>]>([
    ["that has no room for its data", { opa_malloc: { body: op.i32(-1) } }],
    ["whose names are beyond its memory", { builtins: { body: op.i32(2 ** 31 - 1) } }],
    ["that names no entry point", { entrypoints: { body: op.i32(16) } }],
  ])("%s does not come into force", async (_, replaced) => {
    await expect(open(replaced)).rejects.toThrow(/could not be loaded|no entry point/);
  });
});
