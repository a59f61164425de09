import { once } from "node:events";
import type { Server } from "node:net";
import { PassThrough } from "node:stream";
import { inspect } from "node:util";
import type { TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../common/secret.ts";
import { EgressError } from "../../proxy/errors.ts";
import { begin, bodyOf, exchange, RecordingSink } from "../support/upstream-sink.ts";
import { HOST, UpstreamStage } from "../support/upstream-stage.ts";

let stage: UpstreamStage;
beforeEach(async () => { stage = await UpstreamStage.open(); });
afterEach(async () => { await stage[Symbol.asyncDispose](); });

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const heads = (count: number): string => "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(count);

describe("a destination cannot confuse where its answer ends (H25)", () => {
  test.each([
    ["two lengths that differ", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk"],
    ["two equal lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"],
    ["a list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok"],
    ["a signed length", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok"],
    ["length and chunked", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
    ["chunked and length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
    ["chunked twice", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
    ["another coding after chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
    ["another coding before chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
    ["another coding alone", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok"],
    ["a 204 with a length", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok"],
    ["a 204 with chunks", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
    ["status 20", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"],
    ["status 099", "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n"],
    ["status 999", "HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n"],
    ["status 2000", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"],
    ["a bare LF after the status", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"],
    ["a bare LF after a field", "HTTP/1.1 200 OK\r\nA: b\nContent-Length: 0\r\n\r\n"],
    ["a bare LF at the end of the head", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n"],
    ["a bare CR in a value", "HTTP/1.1 200 OK\r\nA: b\rSet-Cookie: x\r\nContent-Length: 0\r\n\r\n"],
    ["a NUL in a value", "HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 0\r\n\r\n"],
    ["a folded value", "HTTP/1.1 200 OK\r\nA: b\r\n Set-Cookie: x\r\nContent-Length: 0\r\n\r\n"],
    ["a space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n"],
    ["no field name", "HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 0\r\n\r\n"],
    ["another protocol", "SSH-2.0-OpenSSH_9.6\r\n"],
    ["an unknown version", "HTTP/1.9 200 OK\r\nContent-Length: 0\r\n\r\n"],
    ["a flood of informational answers", heads(10_000) + OK],
    ["an informational answer with a body", "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
    ["a head of 100 kB", `HTTP/1.1 200 OK\r\nA: ${"b".repeat(100_000)}\r\n\r\n`],
  ])("%s: failure, and the connection is destroyed", async (_, bytes) => {
    const said = await stage.saying(bytes);
    const sink = await exchange(stage.upstream());
    await said.closed;
    expect(sink.events.filter((event) => !event.startsWith("informational"))).toEqual(["failure upstream.malformed"]);
  });

  test.each([
    ["a chunk size with a bare LF", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n"],
    ["a chunk that ends with a bare LF", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\n0\r\n\r\n"],
    ["a chunk size that overflows", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nok\r\n0\r\n\r\n"],
    ["a chunk size in another notation", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n"],
  ])("%s: failure mid-answer, never an end", async (_, bytes) => {
    const said = await stage.saying(bytes);
    const sink = await exchange(stage.upstream());
    await said.closed;
    expect(sink.events.at(-1)).toBe("failure upstream.malformed");
    expect(sink.events).not.toContain("end");
  });

  test("byte by byte the verdict is the same (H29)", async () => {
    await stage.tls((socket) => {
      socket.once("data", () => { void dribble(socket, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk"); });
    });
    expect((await exchange(stage.upstream())).events).toEqual(["failure upstream.malformed"]);
  });

  test.each([["200", OK], ["304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok"], ["304 with a body all the same", "HTTP/1.1 304 Not Modified\r\n\r\nok"]])("bytes after the answer (%s) reach no other exchange", async (_, first) => {
    let connections = 0;
    await stage.tls((socket) => {
      connections += 1;
      const own = `HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${connections}`;
      socket.once("data", () => { socket.write(connections === 1 ? `${first}HTTP/1.1 200 OK\r\nSet-Cookie: planted\r\nContent-Length: 7\r\n\r\nplanted` : own); });
    });
    const upstream = stage.upstream();
    const before = await exchange(upstream);
    expect([before.events.at(-1), before.text]).toEqual(["end", first === OK ? "ok" : ""]);
    expect((await exchange(upstream)).text).toBe("2");
  });
});

describe("a destination cannot switch protocols unasked (H27)", () => {
  test.each([
    ["with the fields of an upgrade", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nraw"],
    ["without them", "HTTP/1.1 101 Switching Protocols\r\n\r\nraw"],
    ["100 that nobody waits for", "HTTP/1.1 100 Continue\r\n\r\n"],
  ])("%s", async (_, bytes) => {
    const said = await stage.saying(bytes);
    expect((await exchange(stage.upstream())).events).toEqual(["failure upstream.malformed"]);
    await said.closed;
  });

  test("or to another protocol than asked for", async () => {
    const said = await stage.saying("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nraw");
    expect((await exchange(stage.upstream(), { upgrade: "websocket" })).events).toEqual(["failure upstream.malformed"]);
    await said.closed;
  });
});

describe("a request is not sent twice, nor over a connection with a past", () => {
  test("an early answer ends the upload and its connection (W13)", async () => {
    const said = await stage.saying("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
    const body = new PassThrough();
    body.write("the first of many bytes");
    const upstream = stage.upstream();
    const { sink } = begin(upstream, { method: "POST", framing: { kind: "length", bytes: 1e15 } }, { body });
    await sink.over;
    await said.closed;
    expect([sink.status, sink.events.at(-1), body.destroyed]).toEqual([413, "end", true]);
    await exchange(upstream);
    expect(said.opened).toBe(2);
  });

  test("an aborted exchange takes its connection with it", async () => {
    const said = await stage.saying("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
    const upstream = stage.upstream();
    const { sink, flow } = begin(upstream, {});
    await sink.headArrived;
    flow.abort(new EgressError("relay.aborted", "the agent went away"));
    await said.closed;
    const { sink: second, flow: other } = begin(upstream, {});
    await second.headArrived;
    expect(said.opened).toBe(2);
    other.abort(new EgressError("relay.aborted", "done"));
  });

  test.each([
    ["GET", null, ["head", "data", "end"], 3], ["DELETE", null, ["failure upstream.aborted"], 2], ["POST", "x", ["failure upstream.aborted"], 2], ["GET", "x", ["failure upstream.aborted"], 2],
  ] as const)("%s with body %s on a stale kept-alive connection (F15)", async (method, payload, events, requests) => {
    const server = await forgetful();
    const upstream = stage.upstream({ maxConnectionsPerOrigin: 1 });
    expect((await exchange(upstream)).events.at(-1)).toBe("end");
    const sink = await exchange(upstream, { method, framing: payload === null ? { kind: "none" } : { kind: "length", bytes: 1 } }, { body: payload === null ? null : bodyOf(payload) });
    expect(sink.events).toEqual(events);
    expect(server.requests).toBe(requests);
  });

  test("a connection lost before any answer is not retried for ever", async () => {
    let opened = 0;
    await stage.tls((socket) => {
      opened += 1;
      socket.once("data", () => { socket.destroy(); });
    });
    expect((await exchange(stage.upstream())).events).toEqual(["failure upstream.aborted"]);
    expect(opened).toBe(1);
  });
});

describe("a destination is who its certificate says", () => {
  const refused = async (): Promise<[string | undefined, string]> => {
    const sink = await exchange(stage.upstream());
    return [sink.failure?.code, sink.failure?.message ?? ""];
  };

  test("another name is refused", async () => {
    await stage.https((_request, response) => response.end("no"), ["other.example.test"]);
    stage.routes.push({ ...stage.routes[0]!, name: HOST });
    expect((await refused())[0]).toBe("upstream.untrusted");
  });

  test("an expired one is refused", async () => {
    await stage.https((_request, response) => response.end("no"), [HOST], { notBefore: new Date(Date.now() - 7_200_000), notAfter: new Date(Date.now() - 3_600_000) });
    expect((await refused())[0]).toBe("upstream.untrusted");
  });

  test("one of an unknown root is refused", async () => {
    const stranger = await UpstreamStage.open();
    await stranger.https((_request, response) => response.end("no"));
    stage.routes.push(...stranger.routes);
    expect((await refused())[0]).toBe("upstream.untrusted");
    await stranger[Symbol.asyncDispose]();
  });

  test("one for an address is checked against the address", async () => {
    await stage.https((_request, response) => response.end("yes"), ["127.0.0.1"]);
    stage.routes.push({ ...stage.routes[0]!, name: "127.0.0.2" });
    expect((await exchange(stage.upstream(), { host: "127.0.0.1" })).text).toBe("yes");
    expect((await exchange(stage.upstream(), { host: "127.0.0.2" })).failure?.code).toBe("upstream.untrusted");
  });

  test("no credential and no byte of the request is sent before that is known", async () => {
    const identity = await stage.authority.leaf(["other.example.test"]);
    let bytes = 0;
    await stage.tls((socket) => { socket.on("data", (chunk) => { bytes += chunk.length; }); }, { cert: identity.certPem, key: identity.keyPem });
    expect((await exchange(stage.upstream(), { headers: [["authorization", new Secret("sk-real")]] })).failure?.code).toBe("upstream.untrusted");
    expect(bytes).toBe(0);
  });

  test("each connection is verified anew: no session is resumed, and another certificate on reconnect is refused (T25)", async () => {
    const resumed: boolean[] = [];
    const server = await stage.https((_request, response) => response.writeHead(200, { connection: "close" }).end("ok"));
    server.on("secureConnection", (socket: TLSSocket) => resumed.push(socket.isSessionReused()));
    const upstream = stage.upstream();
    for (const _ of [1, 2, 3]) expect((await exchange(upstream)).text).toBe("ok");
    expect(resumed).toEqual([false, false, false]);
    const wrong = await stage.authority.leaf(["other.example.test"]);
    (server as unknown as { setSecureContext(options: object): void }).setSecureContext({ cert: wrong.certPem, key: wrong.keyPem });
    expect((await exchange(upstream)).failure?.code).toBe("upstream.untrusted");
  });

  test.each(["TLSv1", "TLSv1.1"] as const)("%s is too old", async (version) => {
    await stage.tls(() => { /* never gets here */ }, { minVersion: version, maxVersion: version, ciphers: "DEFAULT@SECLEVEL=0" });
    expect((await refused())[0]).toBe("upstream.unreachable");
  });

  test("clear text where TLS is due is refused", async () => {
    const clear = await stage.http((_request, response) => response.end("no"), ["clear.example.test"]);
    stage.routes.push({ name: HOST, port: 443, address: "127.0.0.1", dialPort: (clear.address() as { port: number }).port });
    expect((await refused())[0]).toBe("upstream.unreachable");
  });
});

describe("one instance's connections never serve another", () => {
  test("neither another instance nor another origin meets an open connection", async () => {
    let connections = 0;
    const server = await stage.https((_request, response) => response.end("ok"), [HOST, "second.example.test"]);
    server.on("secureConnection", () => { connections += 1; });
    const upstream = stage.upstream();
    await exchange(upstream, {}, { instance: "one" });
    await exchange(upstream, {}, { instance: "two" });
    await exchange(upstream, { host: "second.example.test" }, { instance: "one" });
    expect(connections).toBe(3);
  });
});

describe("nothing is without a limit", () => {
  test("more concurrent requests than connections are refused at once, and a place is free again afterwards", async () => {
    await stage.saying("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
    const upstream = stage.upstream({ maxConnectionsPerOrigin: 2 });
    const open = [begin(upstream, {}), begin(upstream, {})];
    await Promise.all(open.map(async ({ sink }) => sink.headArrived));
    expect((await exchange(upstream)).failure?.code).toBe("upstream.unreachable");
    open[0]!.flow.abort(new EgressError("relay.aborted", "done"));
    const next = begin(upstream, {});
    await next.sink.headArrived;
    expect(next.sink.status).toBe(200);
    for (const { flow } of [...open, next]) flow.abort(new EgressError("relay.aborted", "done"));
  });

  test("an idle pool gives way to a new one; busy ones do not", async () => {
    await stage.https((_request, response) => response.end("ok"), [HOST, "second.example.test"]);
    const upstream = stage.upstream({ maxPools: 1 });
    for (const host of [HOST, "second.example.test", HOST]) expect((await exchange(upstream, { host })).text).toBe("ok");
    const sink = new RecordingSink();
    const stuck = await UpstreamStage.open();
    await stuck.saying("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
    const busy = stuck.upstream({ maxPools: 1 });
    const { flow } = begin(busy, {}, {}, sink);
    await sink.headArrived;
    expect((await exchange(busy, {}, { instance: "two" })).failure?.message).toBe("too many open origins");
    flow.abort(new EgressError("relay.aborted", "done"));
    await stuck[Symbol.asyncDispose]();
  });

  test("a destination that says nothing, or stops in the middle, is given up", async () => {
    await stage.saying("");
    expect((await exchange(stage.upstream({ headersTimeoutMs: 100 }))).events).toEqual(["failure upstream.timeout"]);
    const half = await UpstreamStage.open();
    await half.saying("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
    expect((await exchange(half.upstream({ bodyTimeoutMs: 100 }))).events).toEqual(["head", "data", "failure upstream.timeout"]);
    await half[Symbol.asyncDispose]();
  });

  test("a destination that accepts and never finishes TLS is given up", async () => {
    const { createServer } = await import("node:net");
    await stage.serve(createServer((socket) => { socket.on("error", () => { /* reset by us */ }); }), [HOST]);
    expect((await exchange(stage.upstream({ connectTimeoutMs: 100 }))).failure?.code).toBe("upstream.timeout");
  });
});

describe("no failure tells a credential", () => {
  const CANARY = "sk-canary-5f2c";
  const found = (sink: RecordingSink): boolean => inspect(sink.failure, { depth: 9, showHidden: true }).includes(CANARY) || `${sink.failure?.message}${sink.failure?.stack}`.includes(CANARY);

  test.each([
    ["a value that cannot be a field", `${CANARY}\r\nx-injected: 1`, "request.malformed"], ["a control byte", `${CANARY}\u0001`, "request.malformed"],
    ["an answer that is no HTTP and echoes it", CANARY, "upstream.malformed"],
  ])("%s", async (_, value, code) => {
    await stage.saying(`${CANARY}\r\n\r\n`);
    const sink = await exchange(stage.upstream(), { headers: [["authorization", new Secret(value)]] });
    expect(sink.failure?.code).toBe(code);
    expect(found(sink)).toBe(false);
  });
});

async function dribble(socket: TLSSocket, text: string): Promise<void> {
  for (const character of text) {
    if (socket.destroyed) return;
    if (!socket.write(character)) await once(socket, "drain");
  }
}

/** Answers the first request of the first connection and then closes it at the next; later connections answer. */
async function forgetful(): Promise<{ readonly server: Server; requests: number }> {
  const state = { requests: 0 };
  let connections = 0;
  const server = await stage.tls((socket) => {
    connections += 1;
    const first = connections === 1;
    let answered = 0;
    socket.on("data", () => {
      state.requests += 1;
      if (first && answered === 1) socket.destroy();
      else socket.write(OK);
      answered += 1;
    });
  });
  return Object.assign(state, { server });
}
