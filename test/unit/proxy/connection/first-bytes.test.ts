import { describe, expect, test } from "vitest";
import { guessWire } from "../../../../proxy/connection/first-bytes.ts";

describe("guessWire", () => {
  test.each([
    ["", "undecided"], ["G", "undecided"], ["GET", "undecided"], ["GET ", "http"], ["GET / HTTP/1.1\r\n", "http"], ["PRI * HTTP/2.0\r\n", "http"],
    ["get / HTTP/1.1", "opaque"], ["GETX ", "opaque"], ["EHLO mail.example.com\r\n", "opaque"], ["SSH-2.0-x\r\n", "opaque"], ["SET a b\r\n", "opaque"],
    ["\x16", "undecided"], ["\x16\x03", "tls"], ["\x16\x02", "opaque"], ["\x80\x2e\x01", "opaque"],
    ["\0\0\0\x08", "undecided"], ["\0\0\0\x08\x04\xd2\x16\x2f", "postgres"], ["\0\0\0\x08\x04\xd2\x16\x2e", "opaque"], ["\0\0\0\x09\x04\xd2\x16\x2f", "opaque"], ["\0\x01", "opaque"],
    ["P", "undecided"], ["PROX", "undecided"], ["PROXY ", "proxy-header"], ["\r", "undecided"], ["\r\nGET", "opaque"],
    ["\r\n\r\n\0\r\nQUIT\n", "proxy-header"], [" GET / HTTP/1.1", "opaque"], ["UPDATEREDIRECTREF ", "http"],
  ])("%j is %s", (text, guess) => {
    expect(guessWire(Buffer.from(text, "latin1"))).toBe(guess);
  });
});
