import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import type { ClientHttp2Session } from "node:http2";
import { afterEach, describe, expect, test } from "vitest";
import { EgressError } from "../../proxy/errors.ts";
import { FLAG, FRAME, FramePeer, frame, headerBlock, headers, request, uint32 } from "../support/exchange-http2.ts";
import { Wire, allow, deny, eventually } from "../support/exchange.ts";
import type { WireOptions } from "../support/exchange.ts";

const ENHANCE_YOUR_CALM = 11;
const REFUSED_STREAM = 7;
const PROTOCOL_ERROR = 1;
const CANCEL = 8;

let wire: Wire;
const sessions: ClientHttp2Session[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  await wire.close();
});

async function peer(options: WireOptions = {}): Promise<FramePeer> {
  wire = new Wire("h2", options);
  return new FramePeer(await wire.connect());
}

async function client(options: WireOptions = {}): Promise<ClientHttp2Session> {
  wire = new Wire("h2", options);
  const port = await wire.listen();
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  sessions.push(session);
  await once(session, "connect");
  return session;
}

interface Answered { readonly status: number; readonly headers: Record<string, unknown>; readonly body: string; readonly trailers: Record<string, unknown> }

async function ask(session: ClientHttp2Session, fields: Record<string, string> = {}, body: string | null = null): Promise<Answered> {
  const stream = session.request({ ":authority": "api.ok", ":scheme": "https", ":path": "/", ...fields }, { endStream: body === null });
  let trailers: Record<string, unknown> = {};
  stream.on("trailers", (seen) => { trailers = seen; });
  if (body !== null) stream.end(body);
  const [seenHeaders] = await once(stream, "response") as [Record<string, unknown>];
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return { status: Number(seenHeaders[":status"]), headers: seenHeaders, body: text, trailers };
}

describe("an HTTP/2 exchange", () => {
  test("goes out and comes back, trailers too", async () => {
    const session = await client();
    wire.fakes.upstream.script = (flow) => { void flow.drainBody().then(() => { flow.reply(200, [["set-cookie", "a=1"], ["set-cookie", "b=2"]], "hello", [["grpc-status", "0"]]); }); };
    const answer = await ask(session, { ":method": "POST", te: "trailers", "content-type": "application/grpc" }, "ping");
    expect(answer).toMatchObject({ status: 200, body: "hello", trailers: { "grpc-status": "0" } });
    expect(answer.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
    expect(wire.fakes.upstream.requests[0]).toMatchObject({ bodyBytes: 4, request: { head: { framing: { kind: "chunked" }, headers: expect.arrayContaining([["te", "trailers"]]) } } });
  });

  test("runs beside others of its connection, and a refused one hurts none of them", async () => {
    const session = await client();
    wire.fakes.answer = (input) => (input.request?.path[0] === "no" ? deny() : allow());
    const answers = await Promise.all([ask(session), ask(session, { ":path": "/no" }), ask(session), ask(session, { ":method": "HEAD", ":path": "/no" })]);
    expect(answers.map(({ status }) => status)).toEqual([200, 403, 200, 403]);
    expect(JSON.parse(answers[1]?.body ?? "")).toMatchObject({ error: "policy.denied", rule: "test.deny" });
    expect(session.closed).toBe(false);
  });

  test("streams event by event (SSE)", async () => {
    const session = await client();
    wire.fakes.upstream.script = (flow) => { flow.head(200, [["content-type", "text/event-stream"]]); };
    const stream = session.request({ ":authority": "api.ok", ":scheme": "https", ":path": "/" });
    let seen = "";
    stream.on("data", (chunk: Buffer) => { seen += chunk.toString(); });
    await once(stream, "response");
    for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
      wire.fakes.upstream.requests[0]?.data(event);
      await eventually(() => seen.endsWith(event), event);
    }
    stream.close();
  });

  test("asks for a body only after the decision, and passes 103 on", async () => {
    const session = await client();
    wire.fakes.upstream.script = (flow) => { flow.inform(103, [["link", "</a>"]]); void flow.drainBody().then(() => { flow.reply(200, [], "ok"); }); };
    const stream = session.request({ ":method": "POST", ":authority": "api.ok", ":scheme": "https", ":path": "/", expect: "100-continue" });
    const informed: unknown[] = [];
    stream.on("headers", (seen) => { informed.push(seen[":status"]); });
    await once(stream, "continue");
    expect(wire.fakes.decided()).toHaveLength(1);
    stream.end("x");
    await once(stream, "response");
    expect(informed).toContain(103);
  });

  test("that is refused with an unread body ends its stream and no other", async () => {
    const session = await client();
    wire.fakes.answer = (input) => (input.request?.method === "POST" ? deny() : allow());
    const answer = await ask(session, { ":method": "POST" }, "x".repeat(500_000)).catch((error: Error) => error);
    expect(answer).toMatchObject({ status: 403 });
    expect((await ask(session)).status).toBe(200);
  });

  test("that breaks off is reset, not ended", async () => {
    const agent = await peer();
    wire.fakes.upstream.script = (flow) => { flow.head(200, []); flow.data("half"); setImmediate(() => { flow.fail(new EgressError("upstream.aborted", "reset")); }); };
    agent.send(headers(1, request()));
    await eventually(() => agent.resetCode(1) !== null, "a reset");
    expect(agent.of(FRAME.data, 1).every(({ flags }) => (flags & FLAG.endStream) === 0)).toBe(true);
  });

  test("takes no more of a body than the destination reads", async () => {
    const session = await client({ http2: { windowBytes: 65_535 } });
    wire.fakes.upstream.script = () => {};
    const stream = session.request({ ":method": "POST", ":authority": "api.ok", ":scheme": "https", ":path": "/" });
    stream.on("error", () => {});
    stream.write(Buffer.alloc(4 << 20));
    await eventually(() => wire.fakes.upstream.requests.length === 1, "the request");
    for (let turn = 0; turn < 300; turn += 1) await new Promise(setImmediate);
    expect(session.socket.bytesWritten).toBeLessThan(1 << 20);
    stream.destroy();
  });
});

describe("an agent cannot, on HTTP/2,", () => {
  test.each<[string, [string, string][], number]>([
    ["name another host (D21)", request({ ":authority": "evil" }), 421],
    ["name two hosts (D21)", request({}, [["host", "evil"]]), 421],
    ["name another port", request({ ":authority": "api.ok:8443" }), 421],
    ["name another scheme", request({ ":scheme": "http" }), 400],
    ["send an encoded slash", request({ ":path": "/v1%2fadmin" }), 400],
    ["send a fragment", request({ ":path": "/a#b" }), 400],
    ["send 0x80 in a value", request({}, [["x-a", "a\x80"]]), 400],
    ["expect what is not known", request({}, [["expect", "foo"]]), 417],
    ["send 300 fields", request({}, Array.from({ length: 300 }, (_, at): [string, string] => [`x-${at}`, "1"])), 431],
    ["send a head of 40 KB", request({}, [["x-a", "a".repeat(14_000)], ["x-b", "a".repeat(1_000)], ...Array.from({ length: 2 }, (): [string, string] => ["x-c", "b".repeat(300)])]), 431],
  ])("%s", async (_what, fields, status) => {
    const agent = await peer({ http2: { maxHeadBytes: 15_000 } });
    agent.send(headers(1, fields));
    await eventually(() => agent.of(FRAME.data, 1).length > 0, "an answer");
    expect(JSON.parse(agent.body(1))).toMatchObject({ request_id: "c1.1" });
    expect(wire.fakes.closed()).toMatchObject([{ outcome: "denied", status }]);
    expect(wire.fakes.upstream.requests).toHaveLength(0);
  });

  test.each<[string, [string, string][]]>([
    ["send neither :authority nor host", request({ ":authority": null })],
    ["send an upper-case name", request({}, [["X-A", "1"]])],
    ["send connection", request({}, [["connection", "close"]])],
    ["send transfer-encoding", request({}, [["transfer-encoding", "chunked"]])],
    ["send te: gzip", request({}, [["te", "gzip"]])],
    ["put user information into :authority", request({ ":authority": "a@api.ok" })],
    ["send a pseudo-header twice", [...request(), [":path", "/b"]]],
    ["open an extended CONNECT", request({ ":method": "CONNECT", ":protocol": "websocket" })],
    ["open a CONNECT", [[":method", "CONNECT"], [":authority", "evil:443"]]],
  ])("%s", async (_what, fields) => {
    const agent = await peer();
    agent.send(headers(1, fields));
    await eventually(() => agent.resetCode(1) !== null || agent.goaway !== null || agent.of(FRAME.data, 1).length > 0, "a refusal");
    expect(wire.fakes.upstream.requests).toHaveLength(0);
    agent.send(headers(3, request()));
    await eventually(() => agent.body(3) === "ok" || agent.goaway !== null, "the next request");
  });

  test.each(["a\r\nX: y", "a\0b", "a\nb"])("pass a value on that breaks a line: %j goes nowhere (F11)", async (value) => {
    const agent = await peer();
    agent.send(headers(1, request({}, [["x-a", value], ["x-b", "1"]])));
    await eventually(() => agent.body(1) === "ok" || agent.resetCode(1) !== null || agent.goaway !== null, "an end");
    expect(wire.fakes.upstream.requests.flatMap(({ request: sent }) => sent.head.headers)).not.toContainEqual(["x-a", expect.anything()]);
  });

  test("send more DATA than content-length (F11)", async () => {
    const agent = await peer();
    wire.fakes.upstream.script = (flow) => { void flow.drainBody(); };
    agent.send(headers(1, request({ ":method": "POST" }, [["content-length", "5"]]), 0), frame(FRAME.data, FLAG.endStream, 1, Buffer.alloc(10)));
    await eventually(() => agent.resetCode(1) !== null || agent.goaway !== null, "an end");
    await eventually(() => wire.fakes.upstream.requests.every(({ aborted }) => aborted !== null), "the abort upstream");
  });

  test("push (F13)", async () => {
    const agent = await peer();
    agent.send(headers(1, request()), frame(FRAME.push, FLAG.endHeaders, 1, Buffer.concat([uint32(2), headerBlock(request())])));
    await eventually(() => agent.goaway !== null, "GOAWAY");
    expect(agent.goaway).toBe(PROTOCOL_ERROR);
  });

  test("open more streams than allowed (F09)", async () => {
    const agent = await peer({ http2: { maxConcurrentStreams: 10 } });
    wire.fakes.upstream.script = () => {};
    agent.send(...Array.from({ length: 10 }, (_, at) => headers(at * 2 + 1, request())));
    await eventually(() => wire.fakes.asked.length === 10, "ten exchanges");
    agent.send(headers(21, request()));
    await eventually(() => agent.resetCode(21) !== null, "a refused stream");
    expect([agent.resetCode(21), wire.fakes.asked.length]).toEqual([REFUSED_STREAM, 10]);
    agent.send(...Array.from({ length: 10_000 }, (_, at) => headers(at * 2 + 23, request())));
    await eventually(() => agent.isClosed || agent.of(FRAME.reset).length > 10, "the rest");
    expect(wire.fakes.asked).toHaveLength(10);
  });
});

describe("a flood ends its connection, and only that (F01 to F07)", () => {
  async function survivesFor(another: () => Promise<FramePeer>): Promise<void> {
    const next = await another();
    next.send(headers(1, request()));
    await eventually(() => next.body(1) === "ok", "another connection's answer");
  }
  const another = async (): Promise<FramePeer> => new FramePeer(await wire.connect());

  test("of 100,000 requests that are reset at once (CVE-2023-44487)", async () => {
    const agent = await peer();
    const pairs = (from: number, count: number): Buffer[] => Array.from({ length: count }, (_, at) => {
      const id = (from + at) * 2 + 1;
      return Buffer.concat([headers(id, request()), frame(FRAME.reset, 0, id, uint32(CANCEL))]);
    });
    for (let sent = 0; sent < 100_000 && !agent.isClosed; sent += 1_000) {
      agent.send(...pairs(sent, 1_000));
      await new Promise(setImmediate);
    }
    await eventually(() => agent.isClosed, "the end");
    expect(agent.goaway).toBe(ENHANCE_YOUR_CALM);
    await eventually(() => wire.connectionsEnded === 1, "the end of the connection");
    expect(wire.fakes.asked.length).toBeLessThanOrEqual(200);
    expect(wire.fakes.reservations.every(({ ended }) => ended !== null)).toBe(true);
    await survivesFor(another);
  });

  test("of requests that are reset after they were decided", async () => {
    const agent = await peer();
    wire.fakes.upstream.script = () => {};
    for (let at = 0; at < 2_000 && !agent.isClosed; at += 1) {
      const id = at * 2 + 1;
      agent.send(headers(id, request()));
      await eventually(() => agent.isClosed || wire.fakes.upstream.requests.length === at + 1, "the request");
      agent.send(frame(FRAME.reset, 0, id, uint32(CANCEL)));
    }
    await eventually(() => agent.isClosed, "the end");
    expect(agent.goaway).toBe(ENHANCE_YOUR_CALM);
    expect(wire.fakes.asked.length).toBeLessThanOrEqual(200);
    await eventually(() => wire.connectionsEnded === 1, "the end of the connection");
    expect(wire.fakes.reservations.every(({ ended }) => ended !== null)).toBe(true);
    expect(wire.fakes.closed().at(-1)?.error?.code).toMatch(/request.flood|relay.aborted/);
    expect(wire.fakes.closed().some(({ error }) => error?.code === "request.flood")).toBe(true);
  });

  test.each<[string, Buffer]>([
    ["PING", frame(FRAME.ping, 0, 0, Buffer.alloc(8))],
    ["SETTINGS", frame(FRAME.settings, 0, 0)],
    ["empty DATA", frame(FRAME.data, 0, 1)],
    ["PRIORITY", frame(FRAME.priority, 0, 1, Buffer.alloc(5))],
    ["WINDOW_UPDATE", frame(FRAME.windowUpdate, 0, 0, uint32(1))],
    ["unknown frames", frame(0x42, 0, 0, Buffer.alloc(100))],
    ["ORIGIN", frame(FRAME.origin, 0, 0, Buffer.alloc(100))],
    ["ALTSVC", frame(FRAME.altsvc, 0, 0, Buffer.alloc(100))],
  ])("of %s", async (_kind, one) => {
    const agent = await peer();
    wire.fakes.upstream.script = () => {};
    agent.send(headers(1, request({ ":method": "POST" }), 0));
    const many = Buffer.concat(Array.from({ length: 2_000 }, () => one));
    const startedMs = performance.now();
    while (!agent.isClosed && performance.now() - startedMs < 8_000) {
      agent.send(many);
      await new Promise(setImmediate);
      if (agent.socket.writableLength > 1 << 20) await Promise.race([once(agent.socket, "drain"), once(agent.socket, "close")]);
    }
    expect(agent.isClosed).toBe(true);
    wire.fakes.upstream.script = (flow) => { flow.reply(200, [], "ok"); };
    await survivesFor(another);
  });

  test("of CONTINUATION without an end (CVE-2024-27316)", async () => {
    const agent = await peer();
    agent.send(frame(FRAME.headers, FLAG.endStream, 1, headerBlock(request())));
    const part = frame(FRAME.continuation, 0, 1, headerBlock([["x-a", "a".repeat(1_000)]]));
    for (let at = 0; at < 5_000 && !agent.isClosed; at += 1) {
      agent.send(part);
      if (at % 20 === 0) await new Promise(setImmediate);
    }
    await eventually(() => agent.isClosed, "the end");
    expect(wire.fakes.asked).toHaveLength(0);
    await survivesFor(another);
  });

  test("that is cut in the middle of a head (CVE-2024-27983)", async () => {
    const agent = await peer();
    agent.send(frame(FRAME.headers, 0, 1, headerBlock(request())), frame(FRAME.continuation, 0, 1, headerBlock([["x-a", "1"]])));
    await eventually(() => agent.of(FRAME.settings).length > 0, "SETTINGS");
    agent.socket.resetAndDestroy();
    await eventually(() => wire.connectionsEnded === 1, "the end of the connection");
    await survivesFor(another);
  });

  test("of header bytes that are no HPACK (CVE-2025-59465)", async () => {
    const agent = await peer();
    agent.send(frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, Buffer.alloc(16_000, 0xff)));
    await eventually(() => agent.isClosed || agent.goaway !== null, "the end");
    agent.socket.resetAndDestroy();
    await survivesFor(another);
  });
});

describe("an HTTP/2 connection", () => {
  test("on drain finishes what is open and takes nothing new", async () => {
    const agent = await peer();
    wire.fakes.upstream.script = () => {};
    agent.send(headers(1, request()));
    await eventually(() => wire.fakes.upstream.requests.length === 1, "the request");
    wire.drain.abort();
    await eventually(() => agent.goaway !== null, "GOAWAY");
    wire.fakes.upstream.requests[0]?.reply(200, [], "ok");
    await eventually(() => agent.body(1) === "ok" && agent.isClosed, "the answer and the end");
    await eventually(() => wire.connectionsEnded === 1, "the end of the connection");
  });

  test("whose agent ends its side is over, with all that is open on it", async () => {
    const agent = await peer();
    wire.fakes.upstream.script = () => {};
    agent.send(headers(1, request()));
    await eventually(() => wire.fakes.upstream.requests.length === 1, "the request");
    agent.socket.end();
    await eventually(() => wire.connectionsEnded === 1, "the end");
    expect(wire.fakes.upstream.requests[0]?.aborted?.code).toBe("relay.aborted");
  });

  test("whose permission ends tells each open request", async () => {
    const agent = await peer();
    wire.fakes.upstream.script = () => {};
    agent.send(headers(1, request()), headers(3, request()));
    await eventually(() => wire.fakes.upstream.requests.length === 2, "the requests");
    wire.hardEnd.abort(new EgressError("policy.denied", "revoked", { explanation: { rule: "r", reason: "revoked", hint: "" } }));
    await eventually(() => agent.isClosed && wire.connectionsEnded === 1, "the end");
    expect(wire.fakes.closed()).toMatchObject([{ outcome: "denied", status: 403 }, { outcome: "denied", status: 403 }]);
    expect(JSON.parse(agent.body(1))).toMatchObject({ error: "policy.denied" });
  });
});
