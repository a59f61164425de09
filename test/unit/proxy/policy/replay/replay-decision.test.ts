import { describe, expect, test } from "vitest";
import type { Decision } from "../../../../../proxy/model/decision.ts";
import type { Asker } from "../../../../../proxy/policy/ask-again.ts";
import type { PolicyInput } from "../../../../../proxy/policy/policy-engine.ts";
import { replayDecision } from "../../../../../proxy/policy/replay/replay-decision.ts";
import { allow, deny } from "../../../../support/exchange.ts";
import { anInput, aPastDecision } from "../../../../support/past-decisions.ts";

const asked: PolicyInput[] = [];

function policy(answer: (input: PolicyInput) => Decision): Asker {
  return { decide: async (_question, input) => { asked.push(input); return answer(input) as never; } };
}

const mcp = { era: "session", direction: "to_server", kind: "request", method: "tools/call", tool: "write", arguments: {}, prompt: null, uri: null, is_listing: false } as const;
const readsAll = { basis: "", witnesses: () => null };
const readsNothing = { basis: "", witnesses: () => ["?"] };
const readMcp: Decision = { kind: "read", rule: "mcp", readings: ["mcp"], maxBytes: 1, revision: "r2" };

describe("replayDecision", () => {
  test("gives the verdict and the rule of the other policy", async () => {
    const replayed = await replayDecision(aPastDecision(), policy(() => deny({ rule: "new" })), readsAll);
    expect(replayed).toMatchObject({ verdict: "deny", rule: "new", doubts: [] });
  });

  test("doubts where the policy may look at what is not recorded, and not where it may not", async () => {
    const past = aPastDecision({}, ["input.request.headers.cookie"]);
    expect((await replayDecision(past, policy(() => allow()), readsAll)).doubts).toEqual(["input.request.headers.cookie is not recorded"]);
    expect((await replayDecision(past, policy(() => allow()), readsNothing)).doubts).toEqual([]);
  });

  test("shows the policy that a name was there whose value is unknown", async () => {
    asked.length = 0;
    await replayDecision(aPastDecision({}, ["input.request.headers.cookie", "input.request.query.q"]), policy(() => allow()), readsAll);
    expect(asked[0]?.request).toMatchObject({ headers: { cookie: "(not recorded)" }, query: { q: ["(not recorded)"] } });
  });

  test("doubts a value that decides by one thing it may say, and only where it does", async () => {
    const past = aPastDecision({}, ["input.request.query.q"]);
    const reads = { basis: "", witnesses: () => ["plain", "service"] };
    const byService = policy(({ request }) => (request?.query["q"]?.[0] === "service" ? deny() : allow()));
    expect(await replayDecision(past, byService, reads)).toMatchObject({ verdict: "allow", doubts: ["input.request.query.q is not recorded"] });
    expect((await replayDecision(past, policy(() => allow()), reads)).doubts).toEqual([]);
  });

  test("gives a body only to a policy that asks to read it, and only what it asks for", async () => {
    asked.length = 0;
    const past = aPastDecision({ input: anInput({ mcp, json: { a: 1 }, read: { mcp: null, json: null } }) });
    const replayed = await replayDecision(past, policy((input) => (input.read === undefined ? readMcp : allow({ rule: "tool" }))), readsAll);
    expect(replayed).toMatchObject({ verdict: "allow", rule: "tool", doubts: [] });
    expect(asked.map(({ read, json }) => [read, json])).toEqual([[undefined, undefined], [{ mcp: null }, undefined]]);
  });

  test("cannot tell where the policy would read a body that nobody read", async () => {
    const replayed = await replayDecision(aPastDecision(), policy(() => readMcp), readsAll);
    expect(replayed).toMatchObject({ verdict: null, doubts: ["it reads mcp of the body, which was not read"] });
  });

  test("doubts for the other parts of a batch only where the policy reads the body", async () => {
    const past = aPastDecision({ input: anInput({ mcp, read: { mcp: null } }) }, ["input.parts"]);
    expect((await replayDecision(past, policy(() => deny()), readsAll)).doubts).toEqual([]);
    expect((await replayDecision(past, policy((input) => (input.read === undefined ? readMcp : allow())), readsNothing)).doubts).toHaveLength(1);
  });

  test("cannot tell what would change where the policy in force came to no verdict", async () => {
    const replayed = await replayDecision(aPastDecision({ verdict: null, rule: "mcp" }), policy(() => allow()), readsNothing);
    const doubts = ["the policy in force wanted to read its body, and that failed"];
    expect(replayed).toMatchObject({ verdict: "allow", doubts });
    expect(await replayDecision(aPastDecision({ verdict: null, rule: "mcp" }), policy(() => readMcp), readsNothing)).toMatchObject({ verdict: null, doubts });
  });

  test("cannot tell what the agent held, where that refused it", async () => {
    const past = aPastDecision({ verdict: "deny", rule: "grants.not-held" });
    expect((await replayDecision(past, policy(() => allow()), readsNothing)).doubts).toHaveLength(1);
    expect((await replayDecision(past, policy(() => deny()), readsNothing)).doubts).toEqual([]);
  });

  test("takes a policy that fails for no answer, never for an allow", async () => {
    const failing: Asker = { decide: async () => Promise.reject(new Error("trap")) };
    expect(await replayDecision(aPastDecision(), failing, readsNothing)).toMatchObject({ verdict: null, doubts: ["the policy could not be evaluated"] });
  });
});
