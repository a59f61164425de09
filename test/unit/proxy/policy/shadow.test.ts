import { describe, expect, test } from "vitest";
import { silentLog } from "../../../../common/log.ts";
import type { Decision } from "../../../../proxy/model/decision.ts";
import { noHindsight, openHindsight } from "../../../../proxy/policy/hindsight.ts";
import type { PolicyInput } from "../../../../proxy/policy/policy-engine.ts";
import { Shadow } from "../../../../proxy/policy/shadow.ts";
import { anAsk } from "../../../support/approval-stand.ts";
import { allow, deny } from "../../../support/exchange.ts";
import { anInput } from "../../../support/past-decisions.ts";

const asIs = null;
const mcp = { era: "session", direction: "to_server", kind: "request", method: "tools/call", tool: "write", arguments: {}, prompt: null, uri: null, is_listing: false } as const;

function shadowOf(answer: (input: PolicyInput) => Decision | Promise<Decision>) {
  const counted: string[] = [];
  const shadow = new Shadow(
    { revision: "r2", decide: async (_question, input) => await answer(input) as never },
    { log: silentLog, count: (_question, verdict, rule) => { counted.push(rule === null ? verdict : `${verdict} ${rule}`); } },
  );
  return { shadow, counted, hindsight: openHindsight("keys", shadow) };
}

describe("a shadow policy", () => {
  test.each<[Decision, Decision, string]>([
    [allow(), allow({ rule: "b" }), "agrees b"], [allow(), deny({ rule: "b" }), "would-deny b"], [deny(), allow({ rule: "b" }), "would-allow b"],
  ])("is recorded and counted beside the decision in force", async (live, other, verdict) => {
    const { counted, hindsight } = shadowOf(() => ({ ...other, revision: "r2" }));
    const noted = hindsight.note("exchange", [anInput()], live);
    await noted.pending;
    expect(noted.recorded(asIs).shadow).toEqual({ revision: "r2", outcome: other.kind, rule: "b" });
    expect(noted.pending).toBeNull();
    expect(counted).toEqual([verdict]);
  });

  test("that would read a body that was not read is recorded as failed, with the reason", async () => {
    const { counted, hindsight } = shadowOf(() => ({ kind: "read", rule: "b", readings: ["mcp"], maxBytes: 1, revision: "r2" }));
    const noted = hindsight.note("exchange", [anInput()], allow());
    await noted.pending;
    expect(noted.recorded(asIs).shadow).toEqual({ revision: "r2", outcome: "failed", rule: null, reason: "it reads mcp of the body, which was not read" });
    expect(counted).toEqual(["failed"]);
  });

  test("that throws is recorded as failed, and nothing is thrown", async () => {
    const { hindsight } = shadowOf(() => { throw new Error("trap"); });
    const noted = hindsight.note("exchange", [anInput()], allow());
    await noted.pending;
    expect(noted.recorded(asIs).shadow).toMatchObject({ outcome: "failed", reason: "it could not be evaluated" });
  });

  test("that has not answered is waited for by nobody but its record", async () => {
    const never = Promise.withResolvers<Decision>();
    const { hindsight } = shadowOf(() => never.promise);
    const noted = hindsight.note("exchange", [anInput()], allow());
    expect(noted.pending).toBeInstanceOf(Promise);
    expect(noted.recorded(asIs).shadow).toMatchObject({ outcome: "failed", reason: "not yet answered" });
    never.resolve(allow());
    await noted.pending;
  });

  test.each<[readonly string[], string]>([[["read", "write"], "deny write"], [["read", "maybe", "read"], "ask maybe"], [["read", "read"], "allow read"]])("is asked about all parts of a batch, of which the strictest answer counts: %j", async (tools, expected) => {
    const { hindsight } = shadowOf(({ mcp: call }) => {
      if (call === undefined) return { kind: "read", rule: "b", readings: ["mcp"], maxBytes: 1, revision: "r2" };
      const rule = call.tool ?? "";
      if (rule === "write") return deny({ rule });
      return rule === "maybe" ? anAsk({ rule }) : allow({ rule });
    });
    const noted = hindsight.note("exchange", [anInput(), ...tools.map((tool) => anInput({ read: { mcp: null }, mcp: { ...mcp, tool } }))], allow());
    await noted.pending;
    const { outcome, rule } = noted.recorded(asIs).shadow!;
    expect(`${outcome} ${rule}`).toBe(expected);
  });

  test("that would refuse what could not be read agrees with the refusal", async () => {
    const { counted, hindsight } = shadowOf(() => deny({ rule: "b" }));
    await hindsight.note("exchange", [anInput()], { kind: "read", rule: "a", readings: ["mcp"], maxBytes: 1, revision: "r1" }).pending;
    expect(counted).toEqual(["agrees b"]);
  });

  test("is not asked more than 256 questions at once; the others are counted", async () => {
    const never = Promise.withResolvers<Decision>();
    const { counted, hindsight, shadow } = shadowOf(() => never.promise);
    const noted = Array.from({ length: 258 }, () => hindsight.note("exchange", [anInput()], allow()));
    expect(counted).toEqual(["dropped", "dropped"]);
    expect(noted.at(-1)?.recorded(asIs).shadow).toMatchObject({ outcome: "failed", reason: "too many questions waited" });
    never.resolve(allow());
    await shadow.close();
    expect(counted).toHaveLength(258);
  });
});

describe("what waits for a shadow", () => {
  const large = (bytes: number) => anInput({ read: { json: null }, json: { items: Array.from({ length: 16 }, () => "x".repeat(bytes / 16)) } });

  test("is at most 16 MiB together; what comes on top is counted and not asked, and there is room again when it was answered", async () => {
    const waiting = Promise.withResolvers<Decision>();
    const { counted, shadow } = shadowOf(() => waiting.promise);
    const answers = Array.from({ length: 80 }, () => shadow.ask("exchange", [large(250 << 10)], allow()));
    expect(counted.length).toBe(15);
    expect(answers.at(-1)?.recorded).toMatchObject({ outcome: "failed", reason: "too many questions waited" });
    waiting.resolve(allow());
    await shadow.close();
    expect(shadow.ask("exchange", [large(250 << 10)], allow()).recorded).toBeNull();
  });

  test.each<[string, PolicyInput]>([
    ["one long text", anInput({ read: { json: null }, json: "x".repeat(300 << 10) })], ["many small values", anInput({ read: { json: null }, json: Array.from({ length: 50_000 }, () => 1) })],
    ["long names", anInput({ read: { json: null }, json: { ["k".repeat(300 << 10)]: 1 } })],
  ])("is never a question of more than 256 KiB: %s", async (_what, input) => {
    let asked = 0;
    const { counted, shadow } = shadowOf(() => { asked += 1; return allow(); });
    expect(shadow.ask("exchange", [input], allow()).recorded).toMatchObject({ outcome: "failed", reason: "the question is too large" });
    await shadow.ask("exchange", [large(200 << 10)], allow()).settled;
    expect([asked, counted[0]]).toEqual([1, "dropped"]);
  });
});

describe("hindsight", () => {
  test("keeps of a batch the part that was denied, and says that there were others", () => {
    const parts = ["read", "write", "remove"].map((tool) => anInput({ read: { mcp: null }, mcp: { ...mcp, tool } }));
    const noted = openHindsight("keys", null).note("exchange", [anInput(), ...parts, parts[1]!], deny());
    expect(noted.pending).toBeNull();
    const { input } = noted.recorded(asIs);
    expect(input).toMatchObject({ input: { mcp: { tool: "write" } } });
    expect(input?.redacted).toContain("input.parts");
  });

  test("of a body of one part is whole, however often the part is noted", () => {
    const part = anInput({ read: { mcp: null }, mcp });
    expect(openHindsight("full", null).note("exchange", [anInput(), part, part], allow()).recorded(asIs).input?.redacted).toEqual([]);
  });

  test("of a head alone is whole", () => {
    expect(openHindsight("keys", null).note("exchange", [anInput()], deny()).recorded(asIs).input?.redacted).toEqual([]);
    expect(noHindsight.note("exchange", [anInput()], deny()).recorded(asIs)).toEqual({});
  });
});
