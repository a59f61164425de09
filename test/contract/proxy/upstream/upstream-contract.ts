import { createHash } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Secret } from "../../../../common/secret.ts";
import { EgressError } from "../../../../proxy/errors.ts";
import type { Upstream } from "../../../../proxy/upstream/upstream.ts";
import { HOST, UpstreamStage } from "../../../support/upstream-stage.ts";
import { begin, bodyOf, exchange, RecordingSink } from "../../../support/upstream-sink.ts";

/** What every `Upstream` promises (proxy/upstream/upstream.ts), against a real HTTPS server. */
export function describeUpstream(name: string, open: (stage: UpstreamStage) => Upstream): void {
  describe(`${name}: an upstream`, () => {
    let stage: UpstreamStage;
    let upstream: Upstream;
    const requests: IncomingMessage[] = [];

    beforeAll(async () => {
      stage = await UpstreamStage.open();
      await stage.https((request, response) => {
        requests.push(request);
        const path = request.url ?? "";
        if (path === "/echo") void text(request).then((body) => response.end(JSON.stringify({ headers: request.rawHeaders, body, method: request.method })));
        else if (path === "/hash") {
          const hash = createHash("sha256");
          request.on("data", (chunk: Buffer) => hash.update(chunk)).on("end", () => response.end(hash.digest("hex")));
        } else if (path === "/bulk") Readable.from(bulk(), { objectMode: false }).on("data", (chunk) => response.write(chunk)).on("end", () => response.end());
        else if (path === "/trailers") {
          response.writeHead(200, { trailer: "x-sum" });
          response.addTrailers({ "x-sum": "42" });
          response.end("body");
        } else if (path === "/redirect") response.writeHead(302, { location: "/echo" }).end();
        else if (path === "/early-hints") {
          response.writeEarlyHints({ link: "</style.css>; rel=preload" });
          response.end("after hints");
        } else if (path === "/silent") request.resume();
        else if (path === "/half") {
          response.writeHead(200, { "content-length": "1000" });
          response.write("half", () => { response.destroy(); });
        } else response.end("ok");
      }).then((server) => server.on("upgrade", (request, socket) => {
        socket.on("error", () => { socket.destroy(); });
        socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\nfirst");
        socket.on("data", (chunk: Buffer) => socket.write(chunk));
      }));
      upstream = open(stage);
    });
    afterAll(async () => { await stage[Symbol.asyncDispose](); });

    test("gives head, data and end in this order, and where it went", async () => {
      const sink = await exchange(upstream, { target: "/plain" });
      expect(sink.events).toEqual(["head", "data", "end"]);
      expect([sink.status, sink.text, sink.remoteAddress]).toEqual([200, "ok", "127.0.0.1"]);
    });

    test("sends method, fields and body as told, and names the destination itself", async () => {
      const headers: [string, string][] = [["x-a", "1"], ["accept", "*/*"], ["x-a", "2"]];
      const sink = await exchange(upstream, { method: "POST", target: "/echo", headers, framing: { kind: "length", bytes: 5 } }, { body: bodyOf("he", "llo") });
      const seen = JSON.parse(sink.text) as { headers: string[]; body: string; method: string };
      expect(seen).toMatchObject({ method: "POST", body: "hello" });
      expect(seen.headers).toEqual(["host", HOST, "connection", "keep-alive", "x-a", "1", "accept", "*/*", "x-a", "2", "content-length", "5"]);
    });

    test("lends a secret to the wire", async () => {
      const sink = await exchange(upstream, { target: "/echo", headers: [["authorization", new Secret("Bearer sk-real")]] });
      expect(sink.text).toContain("Bearer sk-real");
    });

    test("streams a chunked body of 8 MiB unharmed", async () => {
      const expected = createHash("sha256");
      for (const chunk of bulk()) expected.update(chunk);
      const sink = await exchange(upstream, { method: "PUT", target: "/hash", framing: { kind: "chunked" } }, { body: Readable.from(bulk(), { objectMode: false }) });
      expect(sink.text).toBe(expected.digest("hex"));
    });

    test("stops when the sink says so, and goes on when told", async () => {
      const sink = new RecordingSink();
      sink.wantsMore = false;
      const { flow } = begin(upstream, { target: "/bulk" }, {}, sink);
      await sink.firstPause;
      const atPause = sink.chunks.length;
      await exchange(upstream, { target: "/plain" }, { instance: "another" });
      expect(sink.chunks.length).toBe(atPause);
      sink.wantsMore = true;
      flow.resume();
      await sink.over;
      expect([sink.bytes, sink.events.at(-1)]).toEqual([8 << 20, "end"]);
    });

    test("passes informational answers and trailers", async () => {
      expect((await exchange(upstream, { target: "/early-hints" })).events).toEqual(["informational 103", "head", "data", "end"]);
      expect((await exchange(upstream, { target: "/trailers" })).trailers).toEqual([["x-sum", "42"]]);
    });

    test("does not follow redirects", async () => {
      const sink = await exchange(upstream, { target: "/redirect" });
      expect([sink.status, sink.header("location")]).toEqual([302, "/echo"]);
    });

    test("hands over the raw stream of an upgrade, first bytes included", async () => {
      const sink = await exchange(upstream, { target: "/socket", upgrade: "websocket", headers: [["sec-websocket-key", "x"], ["sec-websocket-version", "13"]] });
      expect(sink.events).toEqual(["upgrade"]);
      const stream = sink.stream!;
      const received: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => received.push(chunk));
      await once(stream, "data");
      stream.write("ping");
      while (!Buffer.concat(received).toString().endsWith("ping")) await once(stream, "data");
      expect(Buffer.concat(received).toString()).toBe("firstping");
      stream.destroy();
    });

    test("answers as usual when the destination does not upgrade", async () => {
      const plain = await UpstreamStage.open();
      await plain.https((_request, response) => response.end("no"));
      const sink = await exchange(open(plain), { upgrade: "websocket" });
      expect([sink.status, sink.events.at(-1)]).toEqual([200, "end"]);
      await plain[Symbol.asyncDispose]();
    });

    test("says nothing after abort", async () => {
      const { sink, flow } = begin(upstream, { target: "/silent" });
      await reached(requests, "/silent");
      flow.abort(new EgressError("relay.aborted", "the agent went away"));
      await exchange(upstream, { target: "/plain" });
      expect(sink.events).toEqual([]);
    });

    test("fails with the reason of the signal, once", async () => {
      const ending = new AbortController();
      const { sink } = begin(upstream, { target: "/silent" }, { signal: ending.signal });
      await reached(requests, "/silent");
      ending.abort(new EgressError("draining", "stopping"));
      await sink.over;
      expect(sink.events).toEqual(["failure draining"]);
      const late = await exchange(upstream, { target: "/plain" }, { signal: ending.signal });
      expect(late.events).toEqual(["failure draining"]);
    });

    test("tells a truncated answer from a whole one", async () => {
      expect((await exchange(upstream, { target: "/half" })).events).toEqual(["head", "data", "failure upstream.aborted"]);
    });

    test("destroys the body when it fails, and fails when the body does", async () => {
      const body = new PassThrough();
      body.write("some");
      const { sink } = begin(upstream, { method: "POST", target: "/silent", framing: { kind: "chunked" } }, { body });
      await reached(requests, "/silent");
      body.destroy(new Error("the agent's side broke"));
      await sink.over;
      expect(sink.events).toEqual(["failure relay.aborted"]);

      const unsent = new PassThrough();
      const refused = await exchange(upstream, { host: "no-route.invalid.", method: "POST", framing: { kind: "chunked" } }, { body: unsent });
      expect(refused.failure?.code).toBe("upstream.unresolved");
      expect(unsent.destroyed).toBe(true);
    });

    test("refuses a body of another length than said", async () => {
      for (const [bytes, chunk] of [[10, "short"], [3, "longer"]] as const) {
        const sink = await exchange(upstream, { method: "POST", target: "/echo", framing: { kind: "length", bytes } }, { body: bodyOf(chunk) });
        expect(sink.events).toEqual(["failure request.malformed"]);
      }
    });

    test("opens a tunnel that ends each direction by itself", async () => {
      const echo = await UpstreamStage.open();
      const port = await echo.serve(createServer({ allowHalfOpen: true }, (socket) => {
        const heard: Buffer[] = [];
        socket.on("data", (chunk: Buffer) => heard.push(chunk)).on("end", () => socket.end(`heard ${Buffer.concat(heard).toString()}`));
      }), [HOST], 5432);
      const tunnel = await open(echo).openTunnel("one", { kind: "name", name: HOST, port: 5432 }, new AbortController().signal);
      tunnel.stream.end("hello");
      expect([await text(tunnel.stream), tunnel.remoteAddress, port > 0]).toEqual(["heard hello", "127.0.0.1", true]);
      await echo[Symbol.asyncDispose]();
    });

    test("does not open a tunnel to an address that agents may not reach", async () => {
      await expect(upstream.openTunnel("one", { kind: "address", address: "127.0.0.1", port: 22 }, new AbortController().signal)).rejects.toMatchObject({ code: "destination.forbidden" });
      await expect(upstream.openTunnel("one", { kind: "name", name: "a b", port: 22 }, new AbortController().signal)).rejects.toMatchObject({ code: "upstream.unresolved" });
    });

    test("ends what an instance has open when it is closed, and nothing of others", async () => {
      const mine = begin(upstream, { target: "/silent" }, { instance: "ending" });
      const other = begin(upstream, { target: "/silent" }, { instance: "staying" });
      await reached(requests, "/silent", 2);
      await upstream.closeInstance("ending");
      await mine.sink.over;
      expect(mine.sink.events).toEqual(["failure upstream.aborted"]);
      expect(other.sink.events).toEqual([]);
      other.flow.abort(new EgressError("relay.aborted", "done"));
    });
  });
}

function* bulk(): Generator<Buffer> {
  for (let index = 0; index < 128; index += 1) yield Buffer.alloc(64 << 10, index);
}

/** Waits until the destination has seen so many more requests for a path; takes them out. */
async function reached(requests: IncomingMessage[], path: string, count = 1): Promise<void> {
  await expect.poll(() => requests.filter(({ url }) => url === path).length, { timeout: 5_000, interval: 5 }).toBeGreaterThanOrEqual(count);
  for (const request of requests.filter(({ url }) => url === path)) requests.splice(requests.indexOf(request), 1);
}
