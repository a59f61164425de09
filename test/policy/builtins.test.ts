import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { builtinsAt, HOST_BUILTINS } from "../../proxy/policy/builtins.ts";
import { pinnedCapabilities } from "../../proxy/policy/capabilities.ts";
import { runOpa } from "../../proxy/policy/opa.ts";
import { compiler } from "./compiler.ts";
import { aFolder } from "./folders.ts";

/** Expressions of the builtins that the evaluator's host supplies; undefined where OPA is undefined. */
const CALLS: readonly (readonly [name: string, args: readonly unknown[]])[] = [
  ["time.parse_rfc3339_ns", ["2026-11-21T10:20:30Z"]], ["time.parse_rfc3339_ns", ["2026-11-21T10:20:30.123456789+02:00"]], ["time.parse_rfc3339_ns", ["1969-12-31T23:59:59.5Z"]],
  ["time.weekday", [1_763_712_345_000_000_000]], ["time.weekday", [0]], ["time.date", [1_763_712_345_000_000_000]], ["time.clock", [1_763_712_345_000_000_000]],
  ["semver.is_valid", ["1.2.3"]], ["semver.is_valid", ["1.2"]], ["semver.is_valid", ["1.2.3-rc.1+b"]], ["semver.is_valid", ["v1.2.3"]], ["semver.is_valid", [1]],
  ["semver.compare", ["1.2.3", "1.10.0"]], ["semver.compare", ["1.2.3", "1.2.3-rc.1"]], ["semver.compare", ["1.0.0-alpha.1", "1.0.0-alpha.beta"]], ["semver.compare", ["1.0.0-2", "1.0.0-10"]], ["semver.compare", ["1.0.0", "1.0.0"]],
  ["semver.compare", ["1.0.0-a", "1.0.0-a.b"]], ["net.cidr_is_valid", ["10.0.0.0/8"]], ["net.cidr_is_valid", ["10.0.0.0"]], ["net.cidr_is_valid", ["fd00::/8"]],
  ["semver.compare", ["v1.2.3", "1.2.4"]], ["glob.quote_meta", ["a-b^c$d(e)|f"]], ["urlquery.encode", ["!'()-_.é\n"]], ["urlquery.decode", ["%C3%A9%7e"]],
  ["semver.is_valid", ["01.2.3"]], ["semver.is_valid", ["1.2.3-01"]], ["semver.compare", ["1.0.0+a", "1.0.0+b"]],
  ["hex.encode", ["héllo"]], ["hex.decode", ["68656c6c6f"]], ["crypto.sha256", ["héllo"]], ["base64url.encode_no_pad", ["a?>b"]],
  ["sprintf", ["%s is %d of %v", ["a", 3, [1, "b"]]]],
  ["urlquery.encode", ["a b&c=ü/~*"]], ["urlquery.decode", ["a+b%26"]], ["glob.quote_meta", ["*.a?b[c]{d}\\!,"]],
];

const ours = builtinsAt(() => 1_763_712_345_678);

function call(name: string, args: readonly unknown[]): unknown {
  const answer = ours[name]?.(...(args as never[]));
  return typeof answer === "bigint" ? Number(answer) : answer;
}

describe("a builtin of the host", () => {
  test("gives what `opa eval` gives", async (context) => {
    const opa = compiler(context);
    const rules = CALLS.map(([name, args], index) => `answers["${index}"] := ${name}(${args.map((arg) => JSON.stringify(arg)).join(", ")})`);
    const folder = await aFolder({ "calls.rego": `package calls\n\n${rules.join("\n\n")}\n` });
    const run = await runOpa(opa, ["eval", "--format", "raw", "-d", join(folder, "calls.rego"), "data.calls.answers"]);
    const theirs = JSON.parse(run.stdout) as Record<string, unknown>;
    const ourAnswers = Object.fromEntries(CALLS.map(([name, args], index) => [`${index}`, call(name, args)]));
    expect(Object.entries(ourAnswers).map(([index, answer]) => [CALLS[Number(index)], answer])).toEqual(CALLS.map((entry, index) => [entry, theirs[`${index}`]]));
  });

  test("is known to the compiler, and what the evaluator cannot do is not", async (context) => {
    const opa = compiler(context);
    const pinned = JSON.parse(pinnedCapabilities((await runOpa(opa, ["capabilities", "--current"])).stdout)) as { builtins: { name: string }[]; allow_net: string[] };
    const names = pinned.builtins.map(({ name }) => name);
    for (const name of HOST_BUILTINS) expect(names).toContain(name);
    for (const name of ["http.send", "net.lookup_ip_addr", "opa.runtime", "rand.intn", "regex.split", "yaml.unmarshal", "io.jwt.decode_verify"]) expect(names).not.toContain(name);
    expect(pinned.allow_net).toEqual([]);
  });

  test("is undefined for what it cannot read", () => {
    for (const [name, args] of [["time.parse_rfc3339_ns", ["yesterday"]], ["semver.compare", ["1", "1.0.0"]], ["hex.decode", ["zz"]], ["urlquery.decode", ["%"]]] as const) {
      expect(call(name, args)).toBeUndefined();
    }
  });

  test("tells the time to the nanosecond digit, and every call is exercised", () => {
    expect(ours["time.now_ns"]?.()).toBe(1_763_712_345_678_000_000n);
    expect([...new Set(CALLS.map(([name]) => name))].sort()).toEqual(HOST_BUILTINS.filter((name) => name !== "time.now_ns").toSorted());
  });
});

test("the pinned list keeps the rest of the capabilities", () => {
  const current = JSON.stringify({ builtins: [{ name: "plus", infix: "+" }, { name: "http.send" }], features: ["rego_v1"], allow_net: ["example.com"] });
  expect(JSON.parse(pinnedCapabilities(current))).toEqual({ builtins: [{ name: "plus", infix: "+" }], features: ["rego_v1"], allow_net: [] });
});
