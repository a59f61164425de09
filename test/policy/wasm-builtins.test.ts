import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CORRECTIONS } from "../../proxy/policy/builtins/corrections.ts";
import { WASM_BUILTINS } from "../../proxy/policy/capabilities.ts";
import { opaAnswers, wasmAnswers } from "./builtin-answers.ts";
import type { Call } from "./builtin-calls.ts";
import { compiler } from "./compiler.ts";
import { aFolder } from "./folders.ts";
import { CALLED_ELSEWHERE, UNPRINTABLE_NUMBERS, wasmCalls } from "./wasm-calls.ts";

describe("a builtin that OPA's WebAssembly carries in itself", () => {
  test("gives what `opa eval` gives, or stops the policy", { timeout: 60_000 }, async (context) => {
    const opa = compiler(context);
    const calls = wasmCalls(40);
    const folder = await aFolder({});
    const [mine, theirs] = [await wasmAnswers(opa, calls, folder), await opaAnswers(opa, calls, folder)];
    expect(calls.flatMap(([name, args], at) => (mine[at] === theirs[at] || mine[at] === "refused" ? [] : [`${name}(${JSON.stringify(args)}) is ${mine[at]} in place of ${theirs[at]}`]))).toEqual([]);
    const refused = calls.filter((_, at) => mine[at] === "refused");
    expect(refused.length).toBeLessThan(calls.length / 20);
  });

  test("gives the same whichever others a policy calls: the compiler leaves out what it does not", { timeout: 60_000 }, async (context) => {
    const opa = compiler(context);
    const folder = await aFolder({});
    const calls = wasmCalls(0);
    const theirs = await opaAnswers(opa, calls, folder);
    const called = CORRECTIONS.map(({ name }) => name).filter((name) => calls.some(([each]) => each === name));
    for (const names of fc.sample(fc.subarray(called, { minLength: 1, maxLength: 4 }), { numRuns: 5, seed: 6 })) {
      const chosen = calls.flatMap((call, at) => (names.includes(call[0]) ? [{ call, their: theirs[at] }] : []));
      const mine = await wasmAnswers(opa, chosen.map(({ call }) => call), folder);
      expect(chosen.filter(({ their }, at) => mine[at] !== "refused" && mine[at] !== their), names.join()).toEqual([]);
    }
  });

  test.each<readonly [string, Call, string | undefined]>([
    ["an IPv4 address that is written as IPv6 is in its network", ["net.cidr_contains", ["10.0.0.0/8", "::ffff:10.1.2.3"]], "true"],
    ["what is not closed is no JSON", ["json.is_valid", ["[1,]"]], "false"],
    ["JSON that is a word is valid", ["json.is_valid", ["true"]], "true"],
    ["what is not padded is no Base64", ["base64.is_valid", ["aGk"]], "false"],
    ["nothing is in no text", ["indexof", ["a", ""]], undefined],
    ["nothing is replaced between all characters, and that ends", ["replace", ["ab", "", "x"]], '"xaxbx"'],
  ])("%s", async (_, call, answer) => {
    const opa = compiler({ skip: (note) => { throw new Error(note); } });
    expect(await wasmAnswers(opa, [call], await aFolder({}))).toEqual([answer]);
  });

  test("stops the policy over a number that only Go takes for one", async (context) => {
    const calls = UNPRINTABLE_NUMBERS.map((text): Call => ["to_number", [text]]);
    expect(await wasmAnswers(compiler(context), calls, await aFolder({}))).toEqual(calls.map(() => "refused"));
  });

  test("is called with arguments here, or by OPA's own cases", () => {
    expect([...new Set([...wasmCalls(0).map(([name]) => name), ...CALLED_ELSEWHERE])].sort()).toEqual(WASM_BUILTINS.toSorted());
    for (const { name } of CORRECTIONS) expect(WASM_BUILTINS).toContain(name);
  });
});
