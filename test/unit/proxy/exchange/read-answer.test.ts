import { describe, expect, test } from "vitest";
import { passableTrailers, readAnswer } from "../../../../proxy/exchange/read-answer.ts";
import type { HeaderList } from "../../../../proxy/model/request.ts";

const malformed = expect.objectContaining({ code: "upstream.malformed" });

describe("readAnswer passes an honest head", () => {
  test("without what belongs to the hop", () => {
    const head = readAnswer(200, [
      ["connection", "close, x-hop"], ["x-hop", "1"], ["keep-alive", "timeout=5"], ["transfer-encoding", "chunked"], ["proxy-authenticate", "Basic"], ["upgrade", "h2"],
      ["set-cookie", "a=1"], ["set-cookie", "b=2"], ["x-weir-decision", "allowed"], ["content-type", "text/plain"],
    ], "GET");
    expect(head).toEqual({
      status: 200, headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"], ["content-type", "text/plain"]], hasBody: true, contentLength: null, contentEncoding: null,
    });
  });

  test("with one length, even if it was said twice", () => {
    expect(readAnswer(200, [["content-length", "5"], ["content-length", "5"]], "GET")).toMatchObject({ contentLength: 5, headers: [["content-length", "5"]] });
  });

  test("with old bytes in values", () => {
    expect(readAnswer(200, [["content-disposition", "filename=\xe9.txt"]], "GET").headers).toHaveLength(1);
  });

  test.each([[204, "GET"], [304, "GET"], [205, "GET"], [200, "HEAD"]])("%i to %s without a body", (status, method) => {
    expect(readAnswer(status, [["content-length", "5"]], method).hasBody).toBe(false);
  });
});

describe("readAnswer refuses a dishonest head", () => {
  test.each<[string, number, HeaderList]>([
    ["status 20", 20, []], ["status 99", 99, []], ["status 101", 101, []], ["status 600", 600, []], ["status 1000", 1000, []], ["no status", Number.NaN, []],
    ["two lengths", 200, [["content-length", "4"], ["content-length", "5"]]],
    ["a length beside chunks", 200, [["content-length", "4"], ["transfer-encoding", "chunked"]]],
    ["a signed length", 200, [["content-length", "-1"]]],
    ["a list of lengths", 200, [["content-length", "4, 4"]]],
    ["a line break in a value", 200, [["x-a", "1\r\nset-cookie: b=2"]]],
    ["NUL in a value", 200, [["x-a", "1\0"]]],
    ["a character beyond one byte", 200, [["x-a", "\u0100"]]],
    ["a space in a name", 200, [["x a", "1"]]],
    ["too many fields", 200, Array.from({ length: 1_001 }, (_, at) => [`x-${at}`, "1"] as const)],
  ])("%s", (_what, status, headers) => {
    expect(() => readAnswer(status, headers, "GET")).toThrow(malformed);
  });
});

test("trailers that frame, route or authenticate are dropped, the others pass", () => {
  expect(passableTrailers([["grpc-status", "0"], ["content-length", "5"], ["set-cookie", "a"], ["transfer-encoding", "chunked"], ["x-a", "1\n"], ["etag", "x"]]))
    .toEqual([["grpc-status", "0"], ["etag", "x"]]);
});
