import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonBody, orProblem } from "../../../../controller/api/describe.ts";
import { idempotency, messageWish, ofParticipant, pendingQuery, problem, spawnWish, threadsPage } from "../../../../controller/api/schemas.ts";

const fits = (schema: { safeParse(value: unknown): { success: boolean } }, value: unknown) => schema.safeParse(value).success;

describe("a message", () => {
  test("is any text that a database keeps, up to 256 KiB of UTF-8", () => {
    fc.assert(fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }), (body) => fits(messageWish, { body })), { numRuns: 50 });
    expect(fits(messageWish, { body: "a\0b" })).toBe(false);
    for (const [body, isFit] of [["ü".repeat(1 << 17), true], [`${"ü".repeat(1 << 17)}x`, false], ["\uD800", false], ["", false]] as const) expect(fits(messageWish, { body })).toBe(isFit);
  });

  test("that is too long says so with a rule of its own", () => {
    expect(messageWish.safeParse({ body: "x".repeat((256 << 10) + 1) }).error?.issues).toMatchObject([{ params: { code: "request.too-large", rule: "message.size" } }]);
  });
});

test("a wish to spawn names an agent of the same namespace and each grant once, and nothing that is not its to say", () => {
  expect(fits(spawnWish, { agent: "notifier", grants: ["a", "b"] })).toBe(true);
  for (const wish of [{ agent: "ns/notifier" }, { agent: "Notifier" }, { agent: "a", grants: ["b", "b"] }, { agent: "a", grants: ["ns.b"] }, { agent: "a", user: "root" }, { agent: "a", chain: [] }]) {
    expect(fits(spawnWish, wish), JSON.stringify(wish)).toBe(false);
  }
});

test.each([
  [pendingQuery, {}, { limit: 10, wait: 0 }], [pendingQuery, { limit: "100", wait: "0.5" }, { limit: 100, wait: 0.5 }], [threadsPage, {}, { limit: 50 }],
  [pendingQuery, { limit: "101" }, null], [pendingQuery, { limit: "1e1x" }, null], [pendingQuery, { wait: "-1" }, null], [pendingQuery, { wait: "Infinity" }, null], [threadsPage, { limit: "0" }, null],
])("a query %# is read as numbers within their limits, or not at all", (schema, query, result) => {
  expect(schema.safeParse(query).data ?? null).toEqual(result);
});

test.each([["user:alice", true], ["group:a/b", true], ["alice", false], ["user:", false], ["user:a\nb", false], [`user:${"a".repeat(316)}`, false]])("the subject %j: %s", (subject, isFit) => {
  expect(fits(ofParticipant, { namespace: "ns", thread: "t", relation: "owner", subject })).toBe(isFit);
});

test("a key is printable and not long", () => {
  for (const [key, isFit] of [["answer-1", true], ["a b", false], ["ü", false], ["", false], ["k".repeat(201), false]] as const) expect(fits(idempotency, { "idempotency-key": key })).toBe(isFit);
});

test("a body is required wherever there is one, and every route may answer with a problem that names its rule", () => {
  expect(jsonBody(messageWish).required).toBe(true);
  expect(orProblem.default.content["application/json"].schema).toBe(problem);
  expect(fits(problem, { error: "e", reason: "r", hint: "h", request_id: "i" })).toBe(false);
});
