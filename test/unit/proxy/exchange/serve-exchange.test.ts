import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../../../common/secret.ts";
import { EgressError } from "../../../../proxy/errors.ts";
import { exchangeConfig } from "../../../../proxy/exchange/config.ts";
import { HeldBytes } from "../../../../proxy/exchange/held-bytes.ts";
import { ProbeWatch } from "../../../../proxy/exchange/probe-watch.ts";
import { IdleWatch } from "../../../../proxy/exchange/idle-watch.ts";
import { serveExchange } from "../../../../proxy/exchange/serve-exchange.ts";
import { amountsOf } from "../../../../proxy/model/usage.ts";
import type { ExchangePath } from "../../../../proxy/exchange/serve-exchange.ts";
import { anAsk } from "../../../support/approval-stand.ts";
import { FakeRooms, allow, deny, eventually, sentHeaders } from "../../../support/exchange.ts";
import { incoming } from "../../../support/exchange-answer.ts";
import type { Request } from "../../../support/exchange-answer.ts";
import { NO_LOAN } from "../../../../proxy/model/loan.ts";

const CANARY = "c4nary-s3cret-value";
let fakes: FakeRooms;
let path: ExchangePath;

beforeEach(() => {
  fakes = new FakeRooms();
  path = { rooms: fakes.rooms, config: exchangeConfig.parse({}), watch: new IdleWatch(() => fakes.clock.monotonicMs()), held: new HeldBytes(1_024), probes: new ProbeWatch() };
});
afterEach(() => { path.watch.close(); });

async function serve(request: Request = {}) {
  const one = incoming(request);
  const usage = await serveExchange(one, path);
  return { ...one, usage };
}

function post(bytes: string, over: Request = {}): Request {
  return { method: "POST", fields: [["content-length", String(bytes.length)]], body: Readable.from([Buffer.from(bytes)], { objectMode: false }), ...over };
}

function lend(): void {
  fakes.answer = () => allow({ grants: ["github"] });
  fakes.loan = {
    ...NO_LOAN, headers: [["authorization", new Secret(`Bearer ${CANARY}`)]], strip: ["authorization"], references: ["github@file#1"], secrets: [new Secret(CANARY)],
  };
}

describe("an allowed exchange", () => {
  test("is decided, recorded, sent, answered, settled and closed, in this order", async () => {
    const { answer, usage } = await serve(post("hello"));
    expect(answer).toMatchObject({ status: 200, isEnded: true, body: Buffer.from("ok") });
    expect(fakes.records.map(({ phase, sentBefore }) => [phase, sentBefore])).toEqual([["decided", 0], ["closed", 1]]);
    expect(usage).toEqual({ requestBytes: 5, responseBytes: 2 });
    expect(fakes.reservations).toMatchObject([{ ended: "settled", used: amountsOf(usage), taken: 7 }]);
    expect(fakes.closed()[0]).toMatchObject({
      outcome: "allowed", error: null, status: 200, method: "POST", host: "api.ok", path: "/v1/x", queryKeys: ["key"], upstreamAddress: "192.0.2.1", usage,
      decision: { allowed: true, rule: "test.allow", revision: "r1" },
    });
    expect([path.watch.size, fakes.live.size]).toEqual([0, 0]);
  });

  test("is recorded without its query's values", async () => {
    await serve();
    expect(JSON.stringify(fakes.records)).not.toContain("secret-ish");
  });

  test("carries the credential out, its reference into both records, and its value nowhere", async () => {
    lend();
    fakes.upstream.script = (flow) => {
      flow.inform(103, [["link", `<${CANARY}>`]]);
      const echo = JSON.stringify(sentHeaders(flow.request.head));
      flow.reply(200, [["content-length", String(echo.length)], ["location", `https://evil/?leak=${CANARY}`]], echo, [["x-echo", CANARY]]);
    };
    const { answer } = await serve({ fields: [["authorization", "Bearer dummy"]] });
    expect(sentHeaders(fakes.upstream.requests[0]!.request.head)).toContainEqual(["authorization", `Bearer ${CANARY}`]);
    expect([fakes.decided()[0]?.credentials, fakes.closed()[0]?.credentials]).toEqual([["github@file#1"], ["github@file#1"]]);
    expect(JSON.stringify([fakes.records, answer.headers, answer.trailers, answer.body.toString(), fakes.logged])).not.toContain(CANARY);
    expect(answer.body.byteLength).toBe(Number(answer.header("content-length")));
  });

  test.each(["compress", "gzip, br, gzip", "gzip;q=1", CANARY])("refuses an answer in a coding that it cannot search for the credential: %s", async (coding) => {
    lend();
    fakes.upstream.script = (flow) => { flow.reply(200, [["content-encoding", coding]], "zzz"); };
    expect((await serve()).answer).toMatchObject({ status: 502 });
    expect(fakes.closed()[0]?.error?.code).toBe("upstream.malformed");
    expect(JSON.stringify(fakes.closed())).not.toContain(CANARY);
  });

  test("decodes an answer to search it, and says what it found and where", async () => {
    lend();
    const body = gzipSync(`{"token":"${CANARY}","twice":"${CANARY}"}`);
    const fields = [["content-encoding", "gzip"], ["content-length", String(body.byteLength)], ["etag", '"1"'], ["digest", "x"], ["x-back", `Bearer ${CANARY}`]] as const;
    fakes.upstream.script = (flow) => { flow.reply(200, fields, body, [["x-end", CANARY]]); };
    const { answer } = await serve();
    const masked = "*".repeat(CANARY.length);
    expect(answer.body.toString()).toBe(`{"token":"${masked}","twice":"${masked}"}`);
    expect(answer.headers).toEqual([["etag", 'W/"1"'], ["x-back", `Bearer ${masked}`]]);
    expect(fakes.closed()[0]?.redactions).toEqual([
      { place: "header", reference: "github@file#1", count: 1 }, { place: "trailer", reference: "github@file#1", count: 1 }, { place: "body", reference: "github@file#1", count: 2 },
    ]);
  });

  test("cuts an answer that guesses at the credential again and again, and lends it to that instance no more", async () => {
    lend();
    const guess = `${CANARY.slice(0, -3)}! `;
    fakes.upstream.script = (flow) => { flow.reply(200, [], guess.repeat(32)); };
    expect((await serve()).answer.isEnded).toBe(true);
    expect((await serve()).answer.cutBy?.code).toBe("credential.probed");
    const sent = fakes.upstream.requests.length;
    expect((await serve()).answer).toMatchObject({ status: 403 });
    expect(fakes.upstream.requests).toHaveLength(sent);
    expect(fakes.closed().at(-1)?.error?.code).toBe("credential.probed");
  });

  test("cuts an answer whose body is not what its head says", async () => {
    lend();
    fakes.upstream.script = (flow) => { flow.reply(200, [["content-encoding", "gzip"]], "zzz"); };
    const { answer } = await serve();
    expect(answer.isEnded).toBe(false);
    expect([answer.cutBy?.code, fakes.closed()[0]?.error?.code]).toEqual(["upstream.malformed", "upstream.malformed"]);
  });

  test("leaves compressed answers alone when nothing was lent", async () => {
    const body = gzipSync("plain");
    fakes.upstream.script = (flow) => { flow.reply(200, [["content-encoding", "gzip"]], body); };
    const { answer } = await serve();
    expect([answer.headers, answer.body]).toEqual([[["content-encoding", "gzip"]], body]);
  });

  test("passes trailers and informational answers on", async () => {
    fakes.upstream.script = (flow) => {
      flow.inform(103, [["link", "</a>"]]);
      flow.inform(100);
      flow.reply(200, [], "x", [["grpc-status", "0"], ["content-length", "9"]]);
    };
    const { answer } = await serve();
    expect(answer).toMatchObject({ informed: [103], trailers: [["grpc-status", "0"]] });
  });

  test("waits for a slow agent, and goes on when it reads again", async () => {
    const one = incoming();
    let asked = 0;
    fakes.upstream.script = async (flow) => {
      flow.head(200, []);
      while (asked < 3) {
        asked += 1;
        if (!flow.data("x")) await flow.drained();
      }
      flow.end();
    };
    one.answer.isFull = true;
    const done = serveExchange(one, path);
    await eventually(() => asked === 1);
    one.answer.isFull = false;
    one.answer.listener?.onDrain();
    await done;
    expect(one.answer.body.toString()).toBe("xxx");
  });
});

describe("a refused exchange", () => {
  test("tells the agent which rule refused it, why and what to do, and reaches nobody", async () => {
    fakes.answer = () => deny();
    const { answer } = await serve(post("hello"));
    expect(answer).toMatchObject({ status: 403, fatal: false });
    expect(answer.json()).toEqual({ error: "policy.denied", rule: "test.deny", reason: "not listed", hint: "list it", request_id: "c1.1" });
    expect([answer.header("x-weir-decision"), answer.header("x-weir-request-id")]).toEqual(["denied", "c1.1"]);
    expect([fakes.upstream.requests.length, fakes.reservations.length]).toEqual([0, 0]);
    expect(fakes.records.map(({ phase }) => phase)).toEqual(["closed"]);
    expect(fakes.closed()[0]).toMatchObject({ outcome: "denied", status: 403, decision: { allowed: false, rule: "test.deny" }, error: { rule: "test.deny", hint: "list it" } });
  });

  test("has no body for HEAD", async () => {
    fakes.answer = () => deny();
    expect((await serve({ method: "HEAD" })).answer).toMatchObject({ status: 403, isEnded: true, body: Buffer.alloc(0) });
  });

  test.each<[string, number, Request, () => void]>([
    ["identity.expired", 403, {}, () => { fakes.clock.advance(1); }],
    ["policy.unavailable", 503, {}, () => { fakes.answer = () => { throw new EgressError("policy.unavailable", "a trap at 0xdeadbeef"); }; }],
    ["internal", 500, {}, () => { fakes.answer = () => { throw new Error(`a stack with ${CANARY}`); }; }],
    ["budget.exhausted", 402, {}, () => { fakes.reserveFault = new EgressError("budget.exhausted", "team-a"); }],
    ["budget.unavailable", 503, {}, () => { fakes.reserveFault = new EgressError("budget.unavailable", "the ledger is down"); }],
    ["credential.unavailable", 503, {}, () => { fakes.answer = () => allow({ grants: ["g"] }); fakes.lendFault = new EgressError("credential.unavailable", "vault at 10.0.0.1"); }],
    ["audit.unavailable", 503, {}, () => { fakes.commitFault = new EgressError("audit.unavailable", "disk full"); }],
    ["request.malformed", 400, { target: "/a%2fb" }, () => {}],
    ["request.expectation", 417, { fields: [["expect", "foo"]] }, () => {}],
    ["destination.mismatch", 421, { connection: { destination: { kind: "name", name: "other.ok", port: 443 }, wire: { kind: "tls", serverName: null, alpn: [] } } }, () => {}],
    ["request.too-large", 431, { fault: new EgressError("request.too-large", "HPE_HEADER_OVERFLOW") }, () => {}],
    ["request.body-limit", 413, post("hello"), () => { fakes.answer = () => allow({ obligations: { maxRequestBytes: 4 } }); }],
  ])("with %s is answered %i, without detail, before a byte leaves", async (code, status, request, arrange) => {
    arrange();
    const { connection } = incoming(request);
    const agent = { ...connection.agent, expiresAtMs: code === "identity.expired" ? fakes.clock.nowMs() : Number.POSITIVE_INFINITY };
    const { answer } = await serve({ ...request, connection: { ...request.connection, agent } });
    expect(answer.status).toBe(status);
    expect(answer.json()).toMatchObject({ error: code, rule: null, hint: null, request_id: "c1.1" });
    expect(answer.body.toString()).not.toMatch(/0xdeadbeef|10\.0\.0\.1|disk|c4nary|HPE/);
    expect(fakes.upstream.requests).toHaveLength(0);
    expect(fakes.closed()).toMatchObject([{ error: { code } }]);
    expect(fakes.reservations.every(({ ended }) => ended === "released")).toBe(true);
  });

  test("by an exhausted limit tells client libraries not to try again", async () => {
    fakes.reserveFault = new EgressError("budget.exhausted", "x", { explanation: { rule: "budget.team-a", reason: "10 of 10 requests", hint: "ask" } });
    const { answer } = await serve();
    expect([answer.header("x-should-retry"), answer.header("retry-after")]).toEqual(["false", undefined]);
    expect(answer.json()).toMatchObject({ rule: "budget.team-a", reason: "10 of 10 requests" });
  });

  test.each([true, 1, "Allow", {}, null, undefined])("by a policy that answers %j is not an allow", async (kind) => {
    fakes.answer = () => ({ ...deny(), kind }) as never;
    expect((await serve()).answer.status).toBe(500);
    expect(fakes.upstream.requests).toEqual([]);
  });
});

describe("an exchange that a person allowed", () => {
  const none = (): void => {};
  const broke = (code: "budget.exhausted" | "credential.unavailable" | "audit.unavailable") => new EgressError(code, "x");
  test.each<[string, () => void, boolean]>([
    ["goes on", none, true],
    ["does not where policy denies it by now", () => { fakes.answer = () => deny(); }, false],
    ["does not where a limit is used up", () => { fakes.reserveFault = broke("budget.exhausted"); }, false],
    ["does not where its credential is not there", () => { fakes.lendFault = broke("credential.unavailable"); }, false],
    ["does not where it cannot be recorded", () => { fakes.commitFault = broke("audit.unavailable"); }, false],
  ])("%s, and whoever said yes is told so, once or first", async (_, meanwhile, goesOn) => {
    const told: boolean[] = [];
    fakes.answer = () => anAsk();
    const ask = async () => {
      fakes.answer = () => allow({ grants: ["github"] });
      meanwhile();
      return { id: "apr-1", outcome: "allowed", by: "ann", reason: "", scope: "once", waitedMs: 5 } as const;
    };
    const approvals = { ask, tellBack: (_answer: unknown, isGoing: boolean) => { told.push(isGoing); }, covers: () => false };
    path = { ...path, rooms: Object.defineProperty(Object.create(fakes.rooms) as typeof fakes.rooms, "approvals", { value: approvals }) };
    await serve();
    expect([told[0], fakes.upstream.requests.length]).toEqual([goesOn, goesOn ? 1 : 0]);
  });
});

describe("an exchange that ends half-way", () => {
  test("is cut, not completed, when the destination breaks off", async () => {
    fakes.upstream.script = (flow) => { flow.head(200, [["content-length", "5"]]); flow.data("he"); flow.fail(new EgressError("upstream.aborted", "reset")); };
    const { answer } = await serve();
    expect(answer).toMatchObject({ isEnded: false, cutBy: { code: "upstream.aborted" } });
    expect(fakes.closed()[0]).toMatchObject({ outcome: "failed", status: 200, usage: { responseBytes: 2 } });
  });

  test.each([["less", "he"], ["more", "hello!"]])("is cut when the answer has %s bytes than it says", async (_what, body) => {
    fakes.upstream.script = (flow) => { flow.reply(200, [["content-length", "5"]], body); };
    expect((await serve()).answer).toMatchObject({ isEnded: false, cutBy: { code: "upstream.aborted" } });
  });

  test("is cut when a byte limit is used up while it streams", async () => {
    fakes.byteLimit = 10;
    fakes.upstream.script = (flow) => { flow.head(200, []); for (let at = 0; at < 20; at += 1) flow.data("x"); flow.end(); };
    const { answer } = await serve();
    expect(answer).toMatchObject({ isEnded: false, cutBy: { code: "budget.exhausted", explanation: { rule: "budget.team-a" } } });
    expect(fakes.upstream.requests[0]?.aborted?.code).toBe("budget.exhausted");
    expect(fakes.reservations[0]).toMatchObject({ ended: "settled", used: { requests: 1n, bytes: 11n, "bytes-out": 0n, "bytes-in": 11n } });
  });

  test("is refused with 413 when a body without a length grows over its limit", async () => {
    fakes.answer = () => allow({ obligations: { maxRequestBytes: 4 } });
    const { answer } = await serve({ method: "POST", fields: [["transfer-encoding", "chunked"]], body: Readable.from([Buffer.from("hel"), Buffer.from("lo")], { objectMode: false }) });
    expect(answer.status).toBe(413);
  });

  test.each([["announced", [["content-length", "5"]], 502], ["found", [], 200]] as const)("ends when the answer is %s to be too large", async (_how, headers, status) => {
    fakes.answer = () => allow({ obligations: { maxResponseBytes: 4 } });
    fakes.upstream.script = (flow) => { flow.reply(200, headers, "hello"); };
    const { answer } = await serve();
    expect(answer.status).toBe(status);
    expect(fakes.closed()[0]?.error?.code).toBe("upstream.body-limit");
  });

  test.each([
    ["a body after 204", 204, [], "x"], ["status 20", 20, [], ""], ["a line break in a header", 200, [["x-a", "1\r\nb: 2"]], ""], ["two lengths", 200, [["content-length", "1"], ["content-length", "2"]], ""],
  ] as const)("with 502 or a cut on %s", async (_what, status, headers, body) => {
    fakes.upstream.script = (flow) => { flow.reply(status, headers, body); };
    const { answer } = await serve();
    expect(answer.cutBy?.code ?? answer.status).toBe(status === 204 ? "upstream.malformed" : 502);
    expect(fakes.upstream.requests[0]?.aborted).not.toBeNull();
  });

  test("with 502 on a flood of 1xx, and on 101 that nobody asked for", async () => {
    fakes.upstream.script = (flow) => { for (let at = 0; at < 10_000; at += 1) flow.inform(102); };
    expect((await serve()).answer.status).toBe(502);
    fakes.upstream.script = (flow) => { flow.inform(101); };
    expect((await serve()).answer.status).toBe(502);
  });

  test("aborts the destination when the agent goes", async () => {
    const one = incoming();
    fakes.upstream.script = (flow) => { flow.head(200, []); };
    const done = serveExchange(one, path);
    await eventually(() => one.answer.isStarted);
    one.answer.leave(new EgressError("relay.aborted", "gone"));
    await done;
    expect(fakes.upstream.requests[0]?.aborted?.code).toBe("relay.aborted");
    expect(fakes.closed()).toMatchObject([{ outcome: "failed", error: { code: "relay.aborted" } }]);
  });

  test("is not sent when the agent went while it was decided, and gives its reservation back", async () => {
    const one = incoming();
    fakes.answer = () => { one.answer.gone = new EgressError("relay.aborted", "gone"); return allow(); };
    await serveExchange(one, path);
    expect([fakes.upstream.requests.length, fakes.decided().length, fakes.reservations[0]?.ended]).toEqual([0, 0, "released"]);
  });

  test("gives its reservation back when the destination was never reached", async () => {
    fakes.upstream.script = (flow) => { flow.fail(new EgressError("upstream.unreachable", "refused")); };
    expect((await serve()).answer.status).toBe(502);
    expect(fakes.reservations[0]?.ended).toBe("released");
  });
});

describe("an open exchange", () => {
  test("does not outlive its permission", async () => {
    const one = incoming();
    fakes.upstream.script = (flow) => { flow.head(200, []); flow.data("a"); };
    const done = serveExchange(one, path);
    await eventually(() => one.answer.isStarted);
    await fakes.live.reconsiderAll();
    expect(one.answer.cutBy).toBeNull();
    fakes.answer = () => deny();
    await fakes.live.reconsiderAll();
    await done;
    expect(one.answer.cutBy?.code).toBe("policy.denied");
    expect(fakes.closed()[0]).toMatchObject({ outcome: "denied", error: { code: "policy.denied", rule: "test.deny" } });
  });

  test.each<[string, string, Request, number]>([
    ["the destination falls silent", "upstream.timeout", {}, 300_000],
    ["the agent stops sending its body", "request.timeout", { method: "POST", fields: [["transfer-encoding", "chunked"]], body: new Readable({ read() {} }) }, 30_000],
  ])("ends when %s", async (_what, code, request, afterMs) => {
    fakes.upstream.script = (flow) => { void flow.drainBody(); };
    const done = serveExchange(incoming(request), path);
    await eventually(() => fakes.upstream.requests.length === 1);
    await new Promise(setImmediate);
    fakes.clock.advance(afterMs - 1);
    path.watch.tick();
    expect(fakes.closed()).toHaveLength(0);
    fakes.clock.advance(1);
    path.watch.tick();
    await done;
    expect(fakes.closed()[0]?.error?.code).toBe(code);
  });

  test("tells a waiting agent to go on only after the decision was recorded", async () => {
    const one = incoming(post("hello", { fields: [["content-length", "5"], ["expect", "100-continue"]] }));
    fakes.upstream.script = (flow) => {
      expect([one.answer.proceeded, fakes.decided().length]).toEqual([0, 1]);
      void flow.drainBody().then(() => { flow.reply(200, [], ""); });
    };
    await serveExchange(one, path);
    expect(one.answer.proceeded).toBe(1);
  });

  test("that is answered before its body is read aborts the rest", async () => {
    fakes.upstream.script = (flow) => { flow.reply(413, [["content-length", "0"]]); };
    const { answer } = await serve({ method: "POST", fields: [["transfer-encoding", "chunked"]], body: new Readable({ read() {} }) });
    expect(answer).toMatchObject({ status: 413, isEnded: true });
  });
});

test("a ledger that fails to settle is tried again, and the exchange still closes its record", async () => {
  fakes.rooms.budget.reserve = async () => ({ refusal: null, refill: null, extend: async () => true, take: () => true, settle: async () => { throw new Error("down"); }, release: async () => {} });
  await serve();
  expect(fakes.logged.map(({ event }) => event)).toEqual(["exchange.unsettled", "exchange.unsettled"]);
  expect(fakes.closed()).toHaveLength(1);
});
