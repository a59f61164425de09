import { describe, expect, test } from "vitest";
import { readAnswerHead, readTrailers, readUpgradeHead } from "../../../../proxy/upstream/answer-head.ts";

const raw = (...parts: string[]): Buffer[] => parts.map((part) => Buffer.from(part, "latin1"));

describe("readAnswerHead", () => {
  test("keeps order, repeats and latin1 values; names become lower case", () => {
    expect(readAnswerHead(200, raw("Set-Cookie", "a=1", "X-B", "\xe4 b", "set-cookie", "b=2"))).toEqual([["set-cookie", "a=1"], ["x-b", "\xe4 b"], ["set-cookie", "b=2"]]);
  });

  test("drops what is about the connection, and what the connection field lists", () => {
    const head = raw("Connection", "keep-alive, X-Secret-Hop", "X-Secret-Hop", "1", "Keep-Alive", "timeout=5", "Transfer-Encoding", "chunked", "Upgrade", "h2c", "X-Kept", "1");
    expect(readAnswerHead(200, head)).toEqual([["x-kept", "1"]]);
  });

  test("keeps the length of the body", () => {
    expect(readAnswerHead(200, raw("Content-Length", "5", "Connection", "close"))).toEqual([["content-length", "5"]]);
  });

  test("takes a name of Object.prototype as data", () => {
    expect(readAnswerHead(200, raw("__proto__", "x", "constructor", "y"))).toEqual([["__proto__", "x"], ["constructor", "y"]]);
  });

  test("reads the object that HTTP/2 gives, pseudo-fields left out", () => {
    expect(readAnswerHead(200, { ":status": "200", "content-type": "application/grpc", "set-cookie": ["a=1", "b=2"] }))
      .toEqual([["content-type", "application/grpc"], ["set-cookie", "a=1"], ["set-cookie", "b=2"]]);
  });

  test.each([
    ["a status below 100", 99, []], ["a status above 599", 999, []], ["a transfer coding beside chunked", 200, ["Transfer-Encoding", "chunked, gzip"]],
    ["another transfer coding", 200, ["Transfer-Encoding", "gzip"]], ["a compressed body in chunks", 200, ["Transfer-Encoding", "gzip, chunked"]], ["one said in two fields", 200, ["Transfer-Encoding", "gzip", "Transfer-Encoding", "chunked"]], ["chunked twice", 200, ["Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked"]],
    ["a 204 with a length", 204, ["Content-Length", "5"]], ["a 204 with a transfer coding", 204, ["Transfer-Encoding", "chunked"]],
    ["an informational answer with a length", 103, ["Content-Length", "5"]],
  ])("refuses %s", (_, status, head) => {
    expect(() => readAnswerHead(status, raw(...head))).toThrow(expect.objectContaining({ code: "upstream.malformed" }));
  });

  test.each([["a 204 with length 0", 204, ["Content-Length", "0"]], ["a 304 with the length of what is not sent", 304, ["Content-Length", "5"]], ["one chunked", 200, ["Transfer-Encoding", "Chunked"]]])("accepts %s", (_, status, head) => {
    expect(() => readAnswerHead(status, raw(...head))).not.toThrow();
  });
});

describe("readUpgradeHead", () => {
  test("accepts the protocol that was asked for", () => {
    expect(readUpgradeHead(raw("Upgrade", "WebSocket", "Connection", "Upgrade", "Sec-WebSocket-Accept", "x"), "websocket")).toEqual([["upgrade", "WebSocket"], ["connection", "Upgrade"], ["sec-websocket-accept", "x"]]);
  });

  test.each([["another protocol", ["Upgrade", "h2c"]], ["two protocols", ["Upgrade", "websocket", "Upgrade", "h2c"]], ["no protocol", []], ["a body", ["Upgrade", "websocket", "Content-Length", "5"]]])("refuses %s", (_, head) => {
    expect(() => readUpgradeHead(raw(...head), "websocket")).toThrow(expect.objectContaining({ code: "upstream.malformed" }));
  });
});

test("readTrailers drops fields that would change framing, routing or authority", () => {
  expect(readTrailers(raw("grpc-status", "0", "Content-Length", "5", "Transfer-Encoding", "chunked", "Set-Cookie", "a=1"))).toEqual([["grpc-status", "0"]]);
  expect(readTrailers(null)).toEqual([]);
});
