import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EgressError } from "../../../../proxy/errors.ts";
import type { Decision, Read } from "../../../../proxy/model/decision.ts";
import type { BodyReadings } from "../../../../proxy/model/readings.ts";
import { openHindsight } from "../../../../proxy/policy/hindsight.ts";
import type { PolicyInput } from "../../../../proxy/policy/policy-engine.ts";
import { allow, deny, eventually } from "../../../support/exchange.ts";
import type { Request } from "../../../support/exchange-answer.ts";
import { call, ModelExchange } from "../../../support/model-exchange.ts";

let stand: ModelExchange;
let parts: BodyReadings[];
let sent: string[];
let seen: { readonly names: readonly string[]; readonly body: string }[];
beforeEach(() => {
  stand = new ModelExchange();
  [parts, seen] = [[{ json: { a: 1 } }], []];
  Object.assign(stand.fakes.rooms.readings, {
    read: async (names: readonly string[], _head: unknown, { body, take }: { readonly body: Buffer; readonly take: (bytes: number) => void }) => {
      seen.push({ names, body: body.toString() });
      take(100);
      return { report: Object.fromEntries(names.map((name) => [name, null])), parts, text: body };
    },
  });
  sent = [];
  stand.fakes.upstream.script = async (flow) => { sent.push((await flow.drainBody()).toString()); flow.reply(200, [], "ok"); };
});
afterEach(() => { stand.close(); });

const read = (over: Partial<Read> = {}): Read => ({ kind: "read", rule: "test.read", readings: ["json"], maxBytes: 1_000, revision: "r1", ...over });
/** Asks for the body first, then decides by what was read. */
const reading = (decide: (input: PolicyInput) => Decision, over: Partial<Read> = {}) => {
  stand.fakes.answer = (input) => (input.read === undefined ? read(over) : decide(input));
};
const post = (text: string, over: Request = {}): Request => ({
  method: "POST", target: "/free", fields: [["content-length", String(text.length)]], body: Readable.from([Buffer.from(text)], { objectMode: false }), ...over,
});
const requests = () => stand.fakes.upstream.requests;

describe("a request that policy reads before it decides", () => {
  test("is held back, read, asked about again, and sent byte for byte", async () => {
    reading(({ json }) => (JSON.stringify(json) === `{"a":1}` ? allow() : deny()));
    const answer = await stand.serve(post(`{"a": 1}`));
    expect(answer.status).toBe(200);
    expect([seen, sent]).toEqual([[{ names: ["json"], body: `{"a": 1}` }], [`{"a": 1}`]]);
    expect(stand.fakes.asked.map(({ read: report, json }) => [report, json])).toEqual([[undefined, undefined], [{ json: null }, { a: 1 }]]);
    expect(requests()[0]!.request.head.framing).toEqual({ kind: "length", bytes: 8 });
    expect(stand.path.held.bytes).toBe(0);
  });

  test("is refused by what was read, and nothing of it leaves", async () => {
    reading(() => deny({ rule: "json.rule" }));
    const answer = await stand.serve(post("{}"));
    expect([answer.status, answer.json()]).toMatchObject([403, { rule: "json.rule" }]);
    expect([requests(), stand.path.held.bytes]).toEqual([[], 0]);
    expect(stand.fakes.closed()[0]).toMatchObject({ outcome: "denied", decision: { allowed: false, rule: "json.rule" } });
  });

  test("keeps its readings counted until it is over", async () => {
    reading(() => allow());
    let during = 0;
    stand.fakes.upstream.script = async (flow) => { during = stand.path.held.bytes; await flow.drainBody(); flow.reply(200, [], "ok"); };
    await stand.serve(post("12345678"));
    expect([during, stand.path.held.bytes]).toEqual([108, 0]);
  });

  test.each([["announced", { fields: [["content-length", "2000"]] }], ["in chunks", { fields: [["transfer-encoding", "chunked"]] }]] satisfies [string, Request][])("is refused over the limit of the policy, %s", async (_how, over) => {
    reading(() => allow(), { maxBytes: 1_999 });
    const answer = await stand.serve(post("x".repeat(2_000), over));
    expect([answer.status, answer.json()]).toMatchObject([413, { error: "request.body-limit", rule: "test.read", hint: expect.stringContaining("max_read_bytes") }]);
    expect([seen, requests(), stand.path.held.bytes]).toEqual([[], [], 0]);
  });

  test("has nothing to be held where there is no body, and is asked about again all the same", async () => {
    reading(({ read: report }) => (report === undefined ? deny() : allow()));
    expect((await stand.serve({ method: "GET", target: "/free" })).status).toBe(200);
    expect(seen).toEqual([{ names: ["json"], body: "" }]);
    expect(requests()[0]!.request.head.framing).toEqual({ kind: "none" });
  });

  test("fails where policy would read what was read", async () => {
    stand.fakes.answer = () => read();
    const answer = await stand.serve(post("{}"));
    expect([answer.status, requests(), stand.path.held.bytes]).toEqual([503, [], 0]);
  });

  test("is refused where what it may send is less than was read", async () => {
    reading(() => allow({ obligations: { maxRequestBytes: 5 } }));
    expect((await stand.serve(post("123456", { fields: [["transfer-encoding", "chunked"]] }))).status).toBe(413);
    expect(requests()).toEqual([]);
  });

  test("lets go of everything when the readings fail", async () => {
    stand.fakes.rooms.readings.read = async (_names, _head, { take }) => { take(50); throw new EgressError("request.malformed", "a key twice"); };
    reading(() => allow());
    expect((await stand.serve(post("{}"))).status).toBe(400);
    expect([requests(), stand.path.held.bytes]).toEqual([[], 0]);
  });
});

describe("the record of a request that policy reads", () => {
  const recorded = () => stand.fakes.closed().at(-1)!;
  beforeEach(() => { Object.assign(stand.fakes.rooms, { hindsight: openHindsight("full", null) }); });

  test("holds what decided: its head and what was read", async () => {
    reading(() => deny());
    await stand.serve(post("{}"));
    expect(recorded().decision).toMatchObject({ allowed: false, input: { input: { request: { method: "POST" }, read: { json: null }, json: { a: 1 } }, redacted: [] } });
    expect(recorded().decision).not.toHaveProperty("undecided");
  });

  test("holds of several parts the one that was denied, and says that there were others", async () => {
    parts = [{ json: { a: 1 } }, { json: { a: 2 } }, { json: { a: 3 } }];
    reading(({ json }) => (JSON.stringify(json) === `{"a":2}` ? deny() : allow()));
    await stand.serve(post("[]"));
    expect(recorded().decision).toMatchObject({ input: { input: { json: { a: 2 } }, redacted: ["input.parts"] } });
  });

  test.each<[string, string, () => Promise<unknown>]>([
    ["it cannot be read", "request.malformed", async () => {
      stand.fakes.rooms.readings.read = async () => { throw new EgressError("request.malformed", "a key twice"); };
      return stand.serve(post("{}"));
    }],
    ["it is too large", "request.body-limit", async () => stand.serve(post("x".repeat(2_000)))],
    ["the client leaves", "relay.aborted", async () => stand.serve(post("{", { body: Readable.from(unfinished(), { objectMode: false }) }))],
    ["policy fails over it", "policy.unavailable", async () => {
      stand.fakes.rooms.policy.decideAll = async () => { throw new EgressError("policy.unavailable", "late"); };
      return stand.serve(post("{}"));
    }],
  ])("holds its head, and that nothing was decided, where %s", async (_why, code, send) => {
    reading(() => allow());
    await send();
    expect(recorded()).toMatchObject({ error: { code }, decision: { allowed: false, rule: "test.read", undecided: "read", input: { input: { request: { method: "POST", path: ["free"] } } } } });
  });
});

async function* unfinished() {
  yield Buffer.from("{");
  throw new Error("reset");
}

describe("a body of several parts", () => {
  test("is asked about part by part, all within one question", async () => {
    parts = [{ json: 1 }, { json: 2 }, { json: 3 }];
    reading(({ json }) => (json === 2 ? deny() : allow()));
    expect((await stand.serve(post("[]"))).status).toBe(403);
    expect(stand.fakes.asked.map(({ json }) => json)).toEqual([undefined, 1, 2, 3]);
    reading(() => allow());
    expect((await stand.serve(post("[]"))).status).toBe(200);
  });
});

describe("a request to a model that policy reads", () => {
  test("is read once, by the meters, for policy and for budgets", async () => {
    let reads = 0;
    const { metering } = stand;
    const meter = metering.read.bind(metering);
    metering.read = async (...all) => { reads += 1; return await meter(...all); };
    reading(({ llm }) => (llm?.model === "m" ? allow() : deny()), { readings: ["llm"] });
    expect((await stand.serve(call({ max_tokens: 20 }))).status).toBe(200);
    expect(stand.fakes.asked[1]).toMatchObject({ read: { llm: null }, llm: { api: "openai-chat", provider: "fake", model: "m", stream: false, max_output_tokens: 20, tools: [] } });
    expect([reads, stand.path.held.bytes]).toEqual([1, 0]);
    expect(stand.fakes.closed()[0]).toMatchObject({ modelUse: { model: "m" } });
  });

  test("that nobody understands is no reading, and says why", async () => {
    reading(({ llm, read: report }) => (llm === undefined && typeof report?.llm === "string" ? deny() : allow()), { readings: ["llm"] });
    expect((await stand.serve(call("no json"))).status).toBe(403);
  });

  test("is none where it goes to no model", async () => {
    reading(({ read: report }) => deny({ reason: String(report?.llm) }), { readings: ["llm"] });
    expect((await stand.serve(post("{}"))).json()).toMatchObject({ reason: "it costs nothing and asks no model" });
  });
});

describe("an open exchange whose body was read", () => {
  test("goes on while policy says the same of the same readings, and ends when it does not", async () => {
    let isAllowed = true;
    reading(({ json }) => (json !== undefined && isAllowed ? allow() : deny()));
    const { flow, done } = await open();
    await stand.fakes.live.reconsiderAll();
    expect(flow.aborted).toBeNull();
    isAllowed = false;
    await stand.fakes.live.reconsiderAll();
    await done;
    expect(stand.fakes.closed()[0]).toMatchObject({ error: { code: "policy.denied" } });
    expect(stand.path.held.bytes).toBe(0);
  });

  test("ends where policy would read more than was read", async () => {
    reading(() => allow());
    const { done } = await open();
    reading(() => allow(), { readings: ["json", "graphql"] });
    await stand.fakes.live.reconsiderAll();
    await done;
    expect(stand.fakes.closed()[0]).toMatchObject({ error: { code: "policy.denied", rule: "test.read" } });
  });

  const open = async () => {
    stand.fakes.upstream.script = async () => {};
    const { done } = stand.begin(post("{}"));
    await eventually(() => requests().length === 1);
    return { flow: requests()[0]!, done };
  };
});
