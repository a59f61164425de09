import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { guessPostgres, STARTUP_LIMIT_BYTES } from "../../../../../proxy/connection/postgres/protocol.ts";

const head = (length: number, code: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(length, 0);
  bytes.writeUInt32BE(code, 4);
  return bytes;
};

describe("the first bytes of PostgreSQL", () => {
  test.each([
    ["a request for TLS", 8, 80_877_103], ["a request for GSSAPI", 8, 80_877_104], ["a cancel request", 16, 80_877_102], ["one of version 3.2", 268, 80_877_102],
    ["a startup packet", 9, 0x3_0000], ["one of version 3.2", 200, 0x3_0002], ["the largest", STARTUP_LIMIT_BYTES, 0x3_0000],
  ])("are known: %s", (_, length, code) => {
    expect(guessPostgres(head(length, code))).toBe("yes");
  });

  test.each([
    ["a request for TLS with more in it", 9, 80_877_103], ["a cancel request without a key", 12, 80_877_102], ["a cancel request with a long one", 269, 80_877_102],
    ["version 2", 20, 0x2_0000], ["an empty startup packet", 8, 0x3_0000], ["one that is too large", STARTUP_LIMIT_BYTES + 1, 0x3_0000], ["a length of nothing", 0, 0x3_0000],
  ])("are not taken for it: %s", (_, length, code) => {
    expect(guessPostgres(head(length, code))).toBe("no");
  });

  test("are undecided for as long as they could be, and then stay what they are", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
      const guesses = Array.from(bytes, (_, index) => guessPostgres(Buffer.from(bytes.subarray(0, index + 1))));
      const first = guesses.findIndex((guess) => guess !== "undecided");
      expect(new Set(first === -1 ? [] : guesses.slice(first)).size).toBeLessThanOrEqual(1);
      if (guesses.length >= 8) expect(guesses[7]).not.toBe("undecided");
    }));
  });
});
