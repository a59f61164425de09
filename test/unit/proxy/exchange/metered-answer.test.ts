import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { EgressError } from "../../../../proxy/errors.ts";
import { deny, eventually } from "../../../support/exchange.ts";
import type { FakeFlow } from "../../../support/exchange-upstream.ts";
import { END_OF_CUT, priceOf, USAGE_EVENT, WORD } from "../../../support/fake-metering.ts";
import { call, ModelExchange } from "../../../support/model-exchange.ts";

let stand: ModelExchange;
const open = (...limits: ConstructorParameters<typeof ModelExchange>) => { stand = new ModelExchange(...limits); return stand; };
afterEach(() => { stand.close(); });

/** An upstream that has answered with a head, and waits for the test to go on. */
function streaming(headers: readonly (readonly [string, string])[] = [["content-type", "text/event-stream"]]): Promise<FakeFlow> {
  const { promise, resolve } = Promise.withResolvers<FakeFlow>();
  stand.fakes.upstream.script = async (flow) => { await flow.drainBody(); flow.head(200, headers); resolve(flow); };
  return promise;
}
const settled = () => eventually(() => stand.fakes.closed().length > 0, "the end");
const closed = () => stand.fakes.closed()[0]!;

describe("the answer of a model", () => {
  test("is charged as it came to, and what was held beyond it is free again", async () => {
    open({ usd: 1_000n });
    stand.fakes.upstream.script = async (flow) => { await flow.drainBody(); flow.reply(200, [["content-type", "text/event-stream"]], WORD.repeat(3)); };
    await stand.serve(call({ max_tokens: 20, stream: true }));
    expect(stand.hold.used).toMatchObject({ ...priceOf(3), requests: 1n, seconds: 1n });
    expect([stand.hold.estimated, stand.ledger.left("usd")]).toEqual([{}, 1_000n - 130n]);
    expect(closed().modelUse).toMatchObject({ charged: { nanoUsd: "130", estimated: false, tokens: { output: 3 } } });
  });

  test("loses the events that only we asked for, and the length that it had with them", async () => {
    open();
    const body = WORD + USAGE_EVENT;
    stand.fakes.upstream.script = async (flow) => { await flow.drainBody(); flow.reply(200, [["content-length", String(body.length)], ["etag", "\"a\""]], body); };
    const answer = await stand.serve(call({ max_tokens: 20, stream: true }));
    expect([answer.body.toString(), answer.header("content-length"), answer.header("etag")]).toEqual([WORD, undefined, "W/\"a\""]);
  });

  test.each([
    ["keeps its length and its tag where it is JSON in one piece", "application/json; charset=utf-8", false, ["6", "\"a\""]],
    ["loses them where events were asked for", "application/json", true, [undefined, "W/\"a\""]],
    ["loses them where it may be events all the same", "text/plain", false, [undefined, "W/\"a\""]],
  ] as const)("%s", async (_what, type, stream, fields) => {
    open();
    stand.fakes.upstream.script = async (flow) => { await flow.drainBody(); flow.reply(200, [["content-type", type], ["content-length", "6"], ["etag", "\"a\""]], "\"word\""); };
    const answer = await stand.serve(call({ max_tokens: 20, stream }));
    expect([answer.body.toString(), answer.header("content-length"), answer.header("etag")]).toEqual(["\"word\"", ...fields]);
    expect(closed().modelUse).toMatchObject({ charged: { tokens: { output: 1 } } });
  });

  test("loses its length where it has to be decoded, JSON or not", async () => {
    open();
    const body = gzipSync("\"word\"");
    stand.fakes.upstream.script = async (flow) => { await flow.drainBody(); flow.reply(200, [["content-type", "application/json"], ["content-encoding", "gzip"], ["content-length", String(body.byteLength)]], body); };
    const answer = await stand.serve(call({ max_tokens: 20 }));
    expect([answer.body.toString(), answer.header("content-length")]).toEqual(["\"word\"", undefined]);
  });

  test("is decoded before it is counted, and goes on as what it means", async () => {
    open();
    stand.fakes.upstream.script = async (flow) => { await flow.drainBody(); flow.reply(200, [["content-encoding", "gzip"]], gzipSync(WORD.repeat(5))); };
    const answer = await stand.serve(call({ max_tokens: 20, stream: true }));
    expect([answer.body.toString(), answer.header("content-encoding")]).toEqual([WORD.repeat(5), undefined]);
    expect(stand.hold.used).toMatchObject(priceOf(5));
  });

  test("costs nothing where the destination refused, but the request that it was", async () => {
    open({ usd: 1_000n, requests: 5n });
    stand.fakes.upstream.script = async (flow) => { await flow.drainBody(); flow.reply(500, [], "no"); };
    await stand.serve(call({ max_tokens: 20 }));
    expect([stand.hold.used?.usd, stand.ledger.left("usd"), stand.ledger.left("requests")]).toEqual([undefined, 1_000n, 4n]);
  });

  test("that never came is an estimate where something was sent, and nothing where nothing was", async () => {
    open({ usd: 1_000n });
    stand.fakes.upstream.script = async (flow) => { await flow.drainBody(); flow.fail(new EgressError("upstream.timeout", "late")); };
    await stand.serve(call({ max_tokens: 20 }));
    expect([stand.metering.meters.map(({ outcome }) => outcome), stand.hold.estimated]).toEqual([["failed"], priceOf(0)]);
    stand.fakes.upstream.script = (flow) => { flow.fail(new EgressError("upstream.unreachable", "down")); };
    await stand.serve(call({ max_tokens: 20 }));
    expect(stand.ledger.open[1]).toMatchObject({ isReleased: true, used: null });
  });

  test("is an estimate when the agent leaves in the middle, and the destination is told at once", async () => {
    open({ usd: 1_000n });
    const begun = streaming();
    const { answer, done } = stand.begin(call({ max_tokens: 20, stream: true }));
    const flow = await begun;
    flow.data(WORD.repeat(2));
    answer.leave(new EgressError("relay.aborted", "gone"));
    await done;
    expect([flow.aborted?.code, stand.metering.meters[0]!.outcome, stand.hold.estimated]).toEqual(["relay.aborted", "cut", priceOf(2)]);
  });

  test("is complete when the agent leaves after all of it was counted", async () => {
    open();
    const begun = streaming();
    const { answer, done } = stand.begin(call({ max_tokens: 20, stream: true }));
    const flow = await begun;
    flow.data(WORD);
    flow.end();
    answer.leave(new EgressError("relay.aborted", "gone"));
    await done;
    expect(stand.metering.meters[0]!.outcome).toBe("complete");
  });

  test("is cut, and charged as far as it came, when its permission is withdrawn", async () => {
    open({ usd: 1_000n });
    const begun = streaming();
    const { answer, done } = stand.begin(call({ max_tokens: 20, stream: true }));
    (await begun).data(WORD);
    stand.fakes.answer = () => deny();
    await stand.fakes.live.reconsiderAll();
    await done;
    expect([answer.cutBy?.code, closed().error?.code, stand.hold.used?.usd]).toEqual(["policy.denied", "policy.denied", 110n]);
  });
});

describe("a meter that breaks, against its promise", () => {
  test.each(["push", "end"])("in %s ends the answer, and the call is charged at its worst", async (method) => {
    open({ usd: 1_000n });
    stand.fakes.upstream.script = async (flow) => {
      await flow.drainBody();
      flow.head(200, [["content-encoding", "gzip"]]);
      Object.assign(stand.metering.meters[0]!, { [method]: () => { throw new Error("broken"); }, result: () => { throw new Error("broken"); } });
      flow.data(gzipSync(WORD));
      flow.end();
    };
    const answer = await stand.serve(call({ max_tokens: 20, stream: true }));
    expect([answer.cutBy?.code, stand.hold.used?.usd, closed().modelUse?.charged]).toEqual(["internal", 300n, null]);
    expect(stand.fakes.logged.map(({ event }) => event)).toContain("exchange.uncounted");
  });
});

describe("an answer that nothing bounds", () => {
  test("is held one step ahead, and reading waits while the ledger is asked", async () => {
    open({ usd: 1_000n });
    const granted = Promise.withResolvers<void>();
    const begun = streaming();
    const { done } = stand.begin(call({ stream: true }));
    const flow = await begun;
    const extend = stand.hold.extend.bind(stand.hold);
    stand.hold.extend = async (more) => { await granted.promise; return extend(more); };
    expect(flow.data(WORD.repeat(2))).toBe(false);
    const drained = flow.drained();
    granted.resolve();
    await drained;
    expect(stand.hold.held.usd).toBe(160n);
    flow.end();
    await done;
    expect([stand.hold.used?.usd, stand.ledger.left("usd")]).toEqual([120n, 880n]);
  });

  test("ends at the edge as its API ends an answer at a limit of output: a complete answer, and the record says why", async () => {
    open({ usd: 180n });
    const begun = streaming();
    const { answer, done } = stand.begin(call({ stream: true }));
    const flow = await begun;
    for (let words = 0; words < 50 && flow.aborted === null; words += 1) {
      flow.data(WORD);
      await new Promise(setImmediate);
    }
    await done;
    expect(answer).toMatchObject({ status: 200, isEnded: true, cutBy: null });
    expect(answer.body.toString().endsWith(WORD + END_OF_CUT)).toBe(true);
    expect([flow.aborted?.code, closed().error?.code, closed().status, closed().outcome]).toEqual(["budget.exhausted", "budget.exhausted", 200, "denied"]);
    expect([stand.hold.used?.usd, stand.metering.meters[0]!.outcome]).toEqual([150n, "cut"]);
  });

  test("that is no stream of events is broken off at the edge: half of it must not look whole", async () => {
    open({ usd: 141n });
    const begun = streaming([["content-type", "application/json"]]);
    const { answer, done } = stand.begin(call({}));
    (await begun).data("word word");
    await done;
    expect([answer.cutBy?.code, answer.isEnded]).toEqual(["budget.exhausted", false]);
  });

  test("asks no more once the exchange is over", async () => {
    open({ usd: 1_000n });
    const granted = Promise.withResolvers<void>();
    const begun = streaming();
    const { answer, done } = stand.begin(call({ stream: true }));
    const flow = await begun;
    stand.hold.extend = async () => { await granted.promise; return false; };
    flow.data(WORD.repeat(2));
    answer.leave(new EgressError("relay.aborted", "gone"));
    await done;
    granted.resolve();
    await new Promise(setImmediate);
    expect(closed().error?.code).toBe("relay.aborted");
  });
});

describe("a byte limit that is used up in the middle of a stream", () => {
  test("ends it well too", async () => {
    open({ bytes: 100n });
    const begun = streaming();
    const { answer, done } = stand.begin(call({ max_tokens: 20, stream: true }));
    const flow = await begun;
    for (let words = 0; words < 9; words += 1) flow.data(WORD);
    await done;
    expect([answer.body.toString(), closed().error?.code]).toEqual([WORD.repeat(4) + END_OF_CUT, "budget.exhausted"]);
  });
});

describe("while the ledger is asked for bytes", () => {
  test("nothing more is read of the answer, and it goes on afterwards", async () => {
    open({ bytes: 10_000n });
    const more = Promise.withResolvers<void>();
    const begun = streaming();
    const { done } = stand.begin(call({ max_tokens: 20, stream: true }));
    const flow = await begun;
    stand.ledger.refill = more.promise;
    expect(flow.data(WORD)).toBe(false);
    stand.ledger.refill = null;
    const drained = flow.drained();
    more.resolve();
    await drained;
    expect(flow.data(WORD)).toBe(true);
    flow.end();
    await done;
  });

  test("the agent that reads slowly is waited for as well", async () => {
    open({ bytes: 10_000n });
    const more = Promise.withResolvers<void>();
    const begun = streaming();
    const { answer, done } = stand.begin(call({ max_tokens: 20, stream: true }));
    const flow = await begun;
    stand.ledger.refill = more.promise;
    answer.isFull = true;
    flow.data(WORD);
    stand.ledger.refill = null;
    let isGoing = false;
    void flow.drained().then(() => { isGoing = true; });
    more.resolve();
    await new Promise(setImmediate);
    expect(isGoing).toBe(false);
    answer.isFull = false;
    answer.listener!.onDrain();
    await new Promise(setImmediate);
    expect(isGoing).toBe(true);
    flow.end();
    await done;
  });
});

describe("time", () => {
  test("is charged in begun seconds, held ahead of the clock, and ends a stream at its edge", async () => {
    open({ seconds: 4n });
    const begun = streaming();
    const { answer, done } = stand.begin(call({ max_tokens: 20, stream: true }));
    (await begun).data(WORD);
    for (let seconds = 0; seconds < 5 && stand.fakes.closed().length === 0; seconds += 1) {
      stand.fakes.clock.advance(1_000);
      stand.path.watch.tick();
      await new Promise(setImmediate);
    }
    await done;
    expect([answer.body.toString(), closed().error?.code, stand.hold.used?.seconds]).toEqual([WORD + END_OF_CUT, "budget.exhausted", 4n]);
    await settled();
  });
});
