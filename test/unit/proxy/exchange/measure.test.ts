import { afterEach, describe, expect, test } from "vitest";
import { Secret } from "../../../../common/secret.ts";
import { NO_LOAN } from "../../../../proxy/model/loan.ts";
import { allow, sentHeaders } from "../../../support/exchange.ts";
import { priceOf } from "../../../support/fake-metering.ts";
import { call, ModelExchange } from "../../../support/model-exchange.ts";

let stand: ModelExchange;
const open = (...limits: ConstructorParameters<typeof ModelExchange>) => { stand = new ModelExchange(...limits); return stand; };
afterEach(() => { stand.close(); });
const sent = () => stand.fakes.upstream.requests.map(({ request }) => request);
const closed = () => stand.fakes.closed()[0]!;

describe("a request to a model", () => {
  test("is held back, read and charged at its worst before it is sent, and asks for an answer that can be read", async () => {
    const answer = await open({ usd: 1_000n }).serve(call({ max_tokens: 20 }));
    expect(answer.status).toBe(200);
    expect(stand.ledger.charges[0]!.amounts).toMatchObject(priceOf(20));
    expect(sentHeaders(sent()[0]!.head)).toEqual([["accept-encoding", "identity"]]);
    expect(sent()[0]!.head.framing).toEqual({ kind: "length", bytes: 29 });
    expect(stand.fakes.decided()[0]).toMatchObject({ modelUse: { model: "m", provider: "fake", heldNanoUsd: "300", charged: null, clampedTo: null } });
  });

  test("lets go of what was held back when it is over, whatever happens", async () => {
    await open({}).serve(call({ max_tokens: 20 }));
    stand.fakes.commitFault = new Error("disk full") as never;
    await stand.serve(call({ max_tokens: 20 }));
    expect(stand.path.held.bytes).toBe(0);
  });

  test("is read without budgets too: what it comes to is on record", async () => {
    await open().serve(call({ max_tokens: 20 }));
    expect(closed()).toMatchObject({ modelUse: { charged: { nanoUsd: "100", estimated: false } } });
  });

  test("is told to send its body before it is answered", async () => {
    const answer = await open().serve(call({ max_tokens: 2 }, { fields: [["content-length", "28"], ["expect", "100-continue"]] }));
    expect(answer.proceeded).toBeGreaterThan(0);
  });

  test("is signed as it is sent, from the same held bytes", async () => {
    open();
    const seen: number[] = [];
    stand.fakes.answer = () => allow({ grants: ["g"] });
    stand.fakes.loan = { ...NO_LOAN, secrets: [new Secret("s3cret-value")], references: ["g@file#1"], finish: [{ order: "sign", bodyLimitBytes: () => 1_000, apply: async (one) => { seen.push(one.body!.byteLength); return one; } }] };
    await stand.serve(call({ max_tokens: 20 }));
    expect([seen, stand.path.held.bytes]).toEqual([[29], 0]);
  });

  test("is refused when it is larger than may be held back, and says which setting", async () => {
    open();
    stand.metering.bodyLimitBytes = 10;
    const answer = await stand.serve(call({ max_tokens: 20 }));
    expect([answer.status, answer.json()]).toMatchObject([413, { error: "request.body-limit", hint: expect.stringContaining("metering.bodyLimitBytes") }]);
    expect([sent(), stand.path.held.bytes]).toEqual([[], 0]);
  });
});

describe("what is made of a body that was held back", () => {
  const unpackingTo = (bytes: number) => {
    open();
    const { metering } = stand;
    const read = metering.read.bind(metering);
    metering.read = async (api, head, held) => {
      held.take(bytes);
      return await read(api, head, held);
    };
  };

  test("counts against what may be held back, and is given back", async () => {
    unpackingTo(2_000);
    let during = 0;
    stand.fakes.upstream.script = async (flow) => { during = stand.path.held.bytes; await flow.drainBody(); flow.reply(200, [], "ok"); };
    expect((await stand.serve(call({ max_tokens: 20 }))).status).toBe(200);
    // What was unpacked is gone by then, and what leaves is held.
    expect([during, stand.path.held.bytes]).toEqual([29, 0]);
  });

  test("is refused where there is no room for it", async () => {
    unpackingTo(2_048);
    const answer = await stand.serve(call({ max_tokens: 20 }));
    expect([answer.status, sent(), stand.path.held.bytes]).toEqual([413, [], 0]);
  });
});

describe("a request to somebody else", () => {
  test.each([["of no provider", { method: "GET" }], ["known to be free", { target: "/free", method: "POST" }]])("%s streams by, unread", async (_what, over) => {
    await open({ usd: 0n }).serve(call("x".repeat(20), { fields: [["content-length", "20"]], ...over, ...(over.method === "GET" ? { body: null, fields: [] } : {}) }));
    expect(sent()).toHaveLength(1);
    expect(closed().modelUse).toBeUndefined();
    expect(closed().isUnmetered).toBeUndefined();
    expect(stand.metering.meters).toEqual([]);
  });
});

describe("what cannot be counted", () => {
  const webSocket = { method: "GET", target: "/v1/x", body: null, fields: [["connection", "upgrade"], ["upgrade", "websocket"], ["sec-websocket-version", "13"], ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="]] } as const;
  test.each([
    ["an unknown API of a provider", call("{}", { target: "/unmetered" }), 403, "budget.unmeasurable"],
    ["a body that nobody understands", call("{nonsense"), 429, "budget.unmeasurable"],
    ["a model without a price", call({ unpriced: true }), 429, "budget.unmeasurable"],
    ["a WebSocket to a model", webSocket, 426, "budget.upgrade"],
  ])("%s is refused where a budget counts models, and nothing is sent", async (_what, request, status, code) => {
    const answer = await open({ usd: 1_000_000n }).serve(request);
    expect([answer.status, answer.header("x-should-retry"), answer.header("x-weir-decision")]).toEqual([status, "false", "denied"]);
    expect([closed().error?.code, sent(), stand.path.held.bytes]).toEqual([code, [], 0]);
  });

  test.each([
    ["an unknown API of a provider", call("{}", { target: "/unmetered" }), true],
    ["a body that nobody understands", call("{nonsense"), true],
    ["a model without a price", call({ unpriced: true, max_tokens: 1 }), undefined],
  ])("%s passes where none does, and the record says so", async (_what, request, isUnmetered) => {
    const answer = await open({ requests: 9n, bytes: 9_999n }).serve(request);
    expect([answer.status, closed().isUnmetered, sent().length]).toEqual([200, isUnmetered, 1]);
  });

  test("passes byte for byte, with the fields that the agent sent", async () => {
    await open().serve(call("{nonsense"));
    expect(sentHeaders(sent()[0]!.head)).toEqual([["accept-encoding", "gzip"]]);
    expect(sent()[0]!.head.framing).toEqual({ kind: "length", bytes: 9 });
  });
});

describe("what is known in part", () => {
  const limitedOutput = { obligations: { maxOutputTokens: 50 } };
  test.each([
    ["a model without a price, where tokens count", { unpriced: true, max_tokens: 20 }, { "tokens": 1_000n, "output-tokens": 1_000n }, {}],
    ["a model without a price, where policy limits output", { unpriced: true, max_tokens: 20 }, {}, limitedOutput],
    ["what a plan pays, where dollars count", { plan: true }, { usd: 0n }, {}],
  ])("passes if that is what counts: %s", async (_what, asked, limits, over) => {
    open(limits).fakes.answer = () => allow(over);
    expect((await stand.serve(call(asked))).status).toBe(200);
    expect(sent()).toHaveLength(1);
  });

  test.each([
    ["a model without a price, where dollars count too", { unpriced: true, max_tokens: 20 }, { tokens: 1_000n, usd: 1_000n }, {}],
    ["what a plan pays, where tokens count", { plan: true }, { tokens: 1_000n }, {}],
    ["what a plan pays, where both count", { plan: true }, { tokens: 1_000n, usd: 1_000n }, {}],
    ["what a plan pays, where policy limits output", { plan: true }, { usd: 1_000n }, limitedOutput],
  ])("is refused if it is not: %s", async (_what, asked, limits, over) => {
    open(limits).fakes.answer = () => allow(over);
    expect((await stand.serve(call(asked))).status).toBe(429);
    expect([closed().error?.code, sent(), stand.path.held.bytes]).toEqual(["budget.unmeasurable", [], 0]);
  });

  test("holds a model without a price to its tokens", async () => {
    expect((await open({ tokens: 119n }).serve(call({ unpriced: true, max_tokens: 20 }))).status).toBe(200);
    expect(closed()).toMatchObject({ modelUse: { clampedTo: 19 } });
    expect((await open({ tokens: 101n }).serve(call({ unpriced: true, max_tokens: 20 }))).status).toBe(429);
  });
});

describe("tools that the provider runs as often as the model likes", () => {
  const serve = async (...limits: Parameters<typeof open>) => {
    let body = "";
    open(...limits).fakes.upstream.script = async (flow) => { body = (await flow.drainBody()).toString(); flow.reply(200, [], "ok"); };
    const answer = await stand.serve(call({ max_tokens: 20, tools: "unlimited" }));
    return [answer.status, JSON.parse(body) as unknown];
  };

  test("are limited where a budget counts on it", async () => {
    expect(await serve({ usd: 1_000n })).toEqual([200, { model: "m", max_tokens: 20, tools: "limited" }]);
  });

  test("are left to the model where none does: the request leaves as it came", async () => {
    expect(await serve({ requests: 9n, bytes: 9_999n })).toEqual([200, { model: "m", max_tokens: 20, tools: "unlimited" }]);
    expect(await serve()).toEqual([200, { model: "m", max_tokens: 20, tools: "unlimited" }]);
  });
});

describe("a limit of output in the policy", () => {
  const limited = () => { open(); stand.fakes.answer = () => allow({ obligations: { maxOutputTokens: 5 } }); };

  test("is written into the request, whatever it asked for", async () => {
    limited();
    let body = "";
    stand.fakes.upstream.script = async (flow) => { body = (await flow.drainBody()).toString(); flow.reply(200, [], "ok"); };
    await stand.serve(call({ max_tokens: 20 }));
    expect(JSON.parse(body)).toEqual({ model: "m", max_tokens: 5 });
    expect(closed()).toMatchObject({ modelUse: { clampedTo: 5 } });
  });

  test("leaves a smaller request as it was sent", async () => {
    limited();
    await stand.serve(call({ max_tokens: 4 }));
    expect(closed()).toMatchObject({ modelUse: { clampedTo: null } });
  });

  test("refuses what cannot be read: nobody could hold it to the limit", async () => {
    limited();
    await stand.serve(call("{nonsense"));
    expect([closed().error?.code, sent()]).toEqual(["budget.unmeasurable", []]);
  });
});
