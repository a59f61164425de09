import { describe, expect, test } from "vitest";
import { ResponseReader } from "../../../../bench/driver/response-reader.ts";

/** Every way to cut the bytes in two, and all bytes one by one. */
function cuts(text: string): Buffer[][] {
  const bytes = Buffer.from(text);
  const halves = Array.from({ length: bytes.byteLength - 1 }, (_, index) => [bytes.subarray(0, index + 1), bytes.subarray(index + 1)]);
  return [[bytes], ...halves, Array.from(bytes, (byte) => Buffer.of(byte))];
}

describe("ResponseReader", () => {
  test.each([
    ["a body with a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"],
    ["a chunked body", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
    ["an empty chunked body", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
  ])("sees the end of %s once, however the bytes are cut", (_name, text) => {
    for (const chunks of cuts(text)) {
      const reader = new ResponseReader();
      expect(chunks.map((chunk) => reader.push(chunk))).toEqual(chunks.map((_, index) => index === chunks.length - 1));
    }
  });

  test("counts two answers on one connection", () => {
    const reader = new ResponseReader();
    const answer = Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab");
    expect([reader.push(answer), reader.push(answer), reader.bodyBytes]).toEqual([true, true, 4]);
  });

  test.each(["HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"])("refuses what it was not told to expect: %j", (text) => {
    expect(() => new ResponseReader().push(Buffer.from(text))).toThrow(/unexpected answer|unknown length/);
  });
});
