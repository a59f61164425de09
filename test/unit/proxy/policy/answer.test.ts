import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { readDecision } from "../../../../proxy/policy/answer.ts";

const allow = { allow: true, rule: "api.read", grants: ["api"], budgets: ["team"], obligations: {} };
const deny = { allow: false, rule: "hosts.default", reason: "not listed", hint: "list it" };
const result = (answer: unknown) => [{ result: answer }];

describe("an answer", () => {
  test("that allows an exchange is an allow with its revision", () => {
    expect(readDecision("exchange", result({ ...allow, obligations: { max_request_bytes: 5, max_response_bytes: 6, max_output_tokens: 7, when_short: "refuse" } }), "r1")).toEqual({
      kind: "allow", rule: "api.read", handling: "intercept", grants: ["api"], budgets: ["team"], revision: "r1",
      obligations: { maxRequestBytes: 5, maxResponseBytes: 6, maxOutputTokens: 7, whenShort: "refuse" },
    });
  });

  test("that allows a connection says whether its bytes are read", () => {
    expect(readDecision("connection", result({ ...allow, handling: "tunnel" }), "r1")).toMatchObject({ kind: "allow", handling: "tunnel" });
  });

  test("that refuses is a deny with rule, reason and hint", () => {
    expect(readDecision("name", result(deny), "r1")).toEqual({ kind: "deny", rule: "hosts.default", reason: "not listed", hint: "list it", revision: "r1" });
  });

  const WRONG: readonly (readonly [what: string, answer: unknown])[] = [
    ["undefined", undefined], ["null", null], ["true", true], ["an allow without its result set", allow], ["no result", []], ["an empty result", [{}]],
    ["two results", [{ result: allow }, { result: allow }]], ["a result with a key more", [{ result: allow, extra: 1 }]],
    ["result true", result(true)], ["result null", result(null)], ["a list of answers", result([allow])],
    ["the word true", result({ ...allow, allow: "true" })], ["the number one", result({ ...allow, allow: 1 })], ["no allow at all", result({ rule: "r" })],
    ["allow null", result({ ...allow, allow: null })], ["an unknown key", result({ ...allow, allowed: true })],
    ["an allow that is a deny too", result({ ...allow, reason: "but no" })], ["an allow without a rule", result({ ...allow, rule: "" })],
    ["an allow without grants", result({ allow: true, rule: "r", budgets: [], obligations: {} })],
    ["an allow without obligations", result({ allow: true, rule: "r", grants: [], budgets: [] })],
    ["grants that are no list", result({ ...allow, grants: "api" })], ["grants that are no names", result({ ...allow, grants: [1] })],
    ["nine grants", result({ ...allow, grants: Array.from({ length: 9 }, (_, n) => `g${n}`) })],
    ["seventeen budgets", result({ ...allow, budgets: Array.from({ length: 17 }, (_, n) => `b${n}`) })],
    ["an unknown obligation", result({ ...allow, obligations: { log: true } })], ["an obligation of nothing", result({ ...allow, obligations: { max_request_bytes: 0 } })],
    ["a deny without a reason", result({ allow: false, rule: "r", hint: "" })], ["a deny without a hint", result({ allow: false, rule: "r", reason: "x" })],
    ["a deny with grants", result({ ...deny, grants: ["api"] })], ["a question to a person", result({ ask: {}, rule: "r" })],
    ["a reason of unlimited length", result({ ...deny, reason: "x".repeat(5_000) })],
  ];

  test.each(WRONG)("that is %s is a failure and never an allow", (_, answer) => {
    for (const question of ["exchange", "name"] as const) {
      expect(() => readDecision(question, answer, "r1")).toThrow(expect.objectContaining({ code: "policy.unavailable" }));
    }
  });

  test.each([["none", allow], ["an unknown one", { ...allow, handling: "ignore" }], ["one in a deny", { ...deny, handling: "tunnel" }]])(
    "to a connection whose handling is %s is a failure", (_, answer) => {
      expect(() => readDecision("connection", result(answer), "r1")).toThrow(expect.objectContaining({ code: "policy.unavailable" }));
    });

  test("to an exchange has no handling", () => {
    expect(() => readDecision("exchange", result({ ...allow, handling: "tunnel" }), "r1")).toThrow(expect.objectContaining({ code: "policy.unavailable" }));
  });
});

describe("the reader of answers, held against a schema of the same words", () => {
  const name = z.string().min(1).max(200);
  const bytes = z.number().int().positive().optional();
  const allowed = z.strictObject({
    allow: z.literal(true), rule: name, grants: z.array(name).max(8), budgets: z.array(name).max(16),
    obligations: z.strictObject({ max_request_bytes: bytes, max_response_bytes: bytes, max_output_tokens: bytes, when_short: z.enum(["clamp", "refuse"]).optional() }),
  });
  const refused = z.strictObject({ allow: z.literal(false), rule: name, reason: z.string().min(1).max(4_000), hint: z.string().max(4_000) });
  const SCHEMAS = {
    connection: z.tuple([z.strictObject({ result: z.union([allowed.extend({ handling: z.enum(["intercept", "tunnel"]) }), refused]) })]),
    exchange: z.tuple([z.strictObject({ result: z.union([allowed, refused]) })]),
    name: z.tuple([z.strictObject({ result: z.union([allowed, refused]) })]),
  };

  /** Values that are right for some key, or nearly. */
  const value = fc.oneof(
    fc.constantFrom<unknown>(true, false, "true", 0, 1, -1, 1.5, null, "", "r", "x".repeat(200), "x".repeat(201), "x".repeat(4_001), "tunnel", "intercept", "other", {}),
    fc.array(fc.constantFrom<unknown>("a", "", 1), { maxLength: 18 }),
    fc.record({ max_request_bytes: fc.constantFrom<unknown>(1, 0, "1", 2 ** 60), max_response_bytes: fc.constant(7), max_output_tokens: fc.constantFrom<unknown>(3, 1.5), when_short: fc.constantFrom<unknown>("clamp", "refuse", "ask"), other: fc.constant(1) }, { requiredKeys: [] }),
  );
  const keys = ["allow", "rule", "reason", "hint", "grants", "budgets", "obligations", "handling", "extra", "constructor"];
  /** A right answer with some keys changed, added or taken away. */
  const answer = fc.record({
    start: fc.constantFrom<object>(allow, { ...allow, handling: "tunnel" }, deny),
    changes: fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 2, noNullPrototype: true }),
    without: fc.constantFrom("", ...keys),
  }).map(({ start, changes, without }) => Object.fromEntries(Object.entries({ ...start, ...changes }).filter(([key]) => key !== without)));

  test.each(["connection", "exchange", "name"] as const)("takes for %s what the schema takes, and nothing else", (question) => {
    fc.assert(fc.property(answer, (given) => {
      const set = JSON.parse(JSON.stringify(result(given))) as unknown;
      const read = () => readDecision(question, set, "r1");
      if (SCHEMAS[question].safeParse(set).success) expect(read).not.toThrow();
      else expect(read).toThrow(expect.objectContaining({ code: "policy.unavailable" }));
    }), { numRuns: 2_000 });
  });
});
