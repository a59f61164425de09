import { describe, expect, test } from "vitest";
import { builtinsAt, HOST_BUILTINS } from "../../proxy/policy/builtins.ts";
import { COMPILED_AWAY, LEFT_OUT, pinnedCapabilities, WASM_BUILTINS } from "../../proxy/policy/capabilities.ts";
import { runOpa } from "../../proxy/policy/opa.ts";
import { hostAnswer, opaAnswers } from "./builtin-answers.ts";
import { builtinCalls, type Call } from "./builtin-calls.ts";
import { compiler } from "./compiler.ts";
import { aFolder } from "./folders.ts";

/** A call of a builtin that is not supplied for these arguments: the whole evaluation fails, and with it nothing is allowed. */
const REFUSED = [
  ["numbers.range_step", [0, 1_000_000_000, 1]], ["net.cidr_expand", ["10.0.0.0/8"]], ["time.clock", [[0, "Local"]]], ["time.format", [[0, "Europe/Paris", "MST"]]], ["sprintf", ["%1000000d%1000000d", [1, 1]]],
] as const;

/** What stops the policy allows nothing, whatever OPA gives. */
function answerOrRefusal(call: Call): string | undefined {
  try {
    return hostAnswer(call);
  } catch {
    return "refused";
  }
}

describe("a builtin of the host", () => {
  test("gives what `opa eval` gives", { timeout: 60_000 }, async (context) => {
    const opa = compiler(context);
    const calls = builtinCalls(40);
    const theirs = await opaAnswers(opa, calls, await aFolder({}));
    const mine = calls.map(answerOrRefusal);
    const shown = (answers: readonly (string | undefined)[]) => calls.flatMap(([name, args], index) => (mine[index] === theirs[index] || mine[index] === "refused" ? [] : [`${name}(${JSON.stringify(args)}) is ${answers[index]}`]));
    expect(shown(mine)).toEqual(shown(theirs));
    expect(mine.filter((answer) => answer === "refused").length).toBeLessThan(calls.length / 50);
  });

  test("is known to the compiler, and what the evaluator cannot do is not", async (context) => {
    const opa = compiler(context);
    const pinned = JSON.parse(pinnedCapabilities((await runOpa(opa, ["capabilities", "--current"])).stdout)) as { builtins: { name: string }[]; allow_net: string[] };
    const names = pinned.builtins.map(({ name }) => name);
    for (const name of HOST_BUILTINS) expect(names).toContain(name);
    for (const name of ["http.send", "net.lookup_ip_addr", "opa.runtime", "rand.intn", "yaml.unmarshal", "io.jwt.decode_verify"]) expect(names).not.toContain(name);
    expect(pinned.allow_net).toEqual([]);
  });

  test("that the pinned compiler knows is supplied, or left out for a reason", async (context) => {
    const opa = compiler(context);
    const known = (JSON.parse((await runOpa(opa, ["capabilities", "--current"])).stdout) as { builtins: { name: string }[] }).builtins.map(({ name }) => name);
    const patterns = LEFT_OUT.flatMap(({ names }) => names).map((name) => name.split(" ")[0] as string);
    const isLeftOut = (name: string) => patterns.some((pattern) => (pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern));
    expect(known.filter((name) => ![...WASM_BUILTINS, ...HOST_BUILTINS, ...COMPILED_AWAY].includes(name) && !isLeftOut(name))).toEqual([]);
  });

  test.each(REFUSED)("stops the policy where it would make too much or cannot be exact: %s %j", (name, args) => {
    expect(() => hostAnswer([name, args])).toThrow(/too|more than|not supplied|beyond/);
  });

  test("tells the time to the nanosecond digit, and every call is exercised", () => {
    expect(builtinsAt(() => 1_763_712_345_678)["time.now_ns"]?.()).toBe(1_763_712_345_678_000_000n);
    expect([...new Set(builtinCalls(0).map(([name]) => name))].sort()).toEqual(HOST_BUILTINS.filter((name) => name !== "time.now_ns").toSorted());
  });

  test("takes time that grows with the text alone, whatever the pattern of a policy", () => {
    const text = "a".repeat(20_000);
    const startedMs = performance.now();
    expect(hostAnswer(["regex.replace", [`${text}!`, "(a+)+$", ""]])).toBe(JSON.stringify(`${text}!`));
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});

test("the pinned list keeps the rest of the capabilities", () => {
  const current = JSON.stringify({ builtins: [{ name: "plus", infix: "+" }, { name: "http.send" }], features: ["rego_v1"], allow_net: ["example.com"] });
  expect(JSON.parse(pinnedCapabilities(current))).toEqual({ builtins: [{ name: "plus", infix: "+" }], features: ["rego_v1"], allow_net: [] });
});
