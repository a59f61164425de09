import { createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from "node:http2";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { begin, bodyOf, exchange } from "../../../support/upstream-sink.ts";
import { HOST, UpstreamStage } from "../../../support/upstream-stage.ts";

const GRPC = { method: "POST", target: "/pkg.Service/Call", headers: [["content-type", "application/grpc+proto"]] as [string, string][], framing: { kind: "chunked" } as const };

let stage: UpstreamStage;
beforeEach(async () => { stage = await UpstreamStage.open(); });
afterEach(async () => { await stage[Symbol.asyncDispose](); });

async function serve(onStream: (stream: ServerHttp2Stream, headers: Record<string, unknown>) => void): Promise<Http2SecureServer> {
  const identity = await stage.authority.leaf([HOST]);
  const server = createSecureServer({ cert: identity.certPem, key: identity.keyPem });
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    stream.on("error", () => { stream.destroy(); });
    onStream(stream, headers);
  });
  server.on("sessionError", () => { /* a client that goes away */ });
  await stage.serve(server, [HOST]);
  return server;
}

test("gRPC goes by HTTP/2, with te and its trailers", async () => {
  const seen: Record<string, unknown>[] = [];
  await serve((stream, headers) => {
    seen.push(headers);
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => { stream.sendTrailers({ "grpc-status": "0", "grpc-message": "fine" }); });
    stream.on("data", (chunk) => stream.write(chunk)).on("end", () => stream.end());
  });
  const sink = await exchange(stage.upstream(), GRPC, { body: bodyOf("message") });
  expect(sink.events).toEqual(["head", "data", "end"]);
  expect([sink.status, sink.text, sink.trailers]).toEqual([200, "message", [["grpc-status", "0"], ["grpc-message", "fine"]]]);
  expect(seen[0]).toMatchObject({ ":method": "POST", ":scheme": "https", ":authority": HOST, ":path": "/pkg.Service/Call", te: "trailers" });
});

test("both directions stream at the same time, over one connection", async () => {
  let sessions = 0;
  const server = await serve((stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    stream.on("data", (chunk) => stream.write(chunk)).on("end", () => stream.end());
  });
  server.on("session", () => { sessions += 1; });
  const upstream = stage.upstream();
  const calls = [1, 2, 3].map(() => {
    const body = new PassThrough();
    return { body, ...begin(upstream, GRPC, { body }) };
  });
  for (const { body, sink } of calls) {
    body.write("ping");
    await expect.poll(() => sink.text).toBe("ping");
    body.write("pong");
    await expect.poll(() => sink.text).toBe("pingpong");
  }
  for (const { body, sink } of calls) {
    body.end();
    await sink.over;
    expect(sink.events.at(-1)).toBe("end");
  }
  expect(sessions).toBe(1);
});

test("anything else goes by HTTP/1.1, even to a destination that would take HTTP/2", async () => {
  const identity = await stage.authority.leaf([HOST]);
  await stage.serve(createSecureServer({ cert: identity.certPem, key: identity.keyPem, allowHTTP1: true }, (request, response) => response.end(request.httpVersion)), [HOST]);
  expect((await exchange(stage.upstream())).text).toBe("1.1");
});

test("gRPC to a destination without HTTP/2 fails instead of losing its trailers", async () => {
  await stage.https((_request, response) => response.end("no"));
  expect((await exchange(stage.upstream(), GRPC, { body: bodyOf("x") })).failure?.code).toBe("upstream.unreachable");
});

test.each([
  ["reset", (stream: ServerHttp2Stream) => { stream.destroy(new Error("a fault of the destination")); }],
  ["lost with its connection", (stream: ServerHttp2Stream) => { stream.session?.socket.destroy(); stream.session?.destroy(); }],
])("a stream that is %s in the middle is a failure, and the body is destroyed", async (_, cut) => {
  await serve((stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    stream.write("some", () => { cut(stream); });
  });
  const body = new PassThrough();
  body.write("x");
  const { sink } = begin(stage.upstream(), GRPC, { body });
  await sink.over;
  expect(sink.failure?.code).toMatch(/^upstream\.(aborted|malformed)$/);
  expect(sink.events).not.toContain("end");
  expect(body.destroyed).toBe(true);
});

test("a session that is going away takes no further call, and finishes the one under way (F15)", async () => {
  let sessions = 0;
  const server = await serve((stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    stream.session?.goaway();
    stream.end("whole");
  });
  server.on("session", () => { sessions += 1; });
  const upstream = stage.upstream();
  for (const _ of [1, 2]) expect((await exchange(upstream, GRPC, { body: bodyOf("x") })).events).toEqual(["head", "data", "end"]);
  expect(sessions).toBe(2);
});
