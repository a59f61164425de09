import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isHostName } from "../../../../proxy/model/host-name.ts";

describe("isHostName", () => {
  test.each(["a", "localhost", "api.example.com", "x-1.example", "1password.com", "xn--bcher-kva.example", `${"a".repeat(63)}.com`, "4.example"])("accepts %s", (text) => {
    expect(isHostName(text)).toBe(true);
  });

  test.each([
    "", ".", "a.", ".a", "a..b", "-a.com", "a-.com", "A.com", "a_b.com", "a b", "a\0b", "a/b", "a:1", "*.com", "a%2eb", "[::1]", "é.com",
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "a.0x7f", "a.1", `${"a".repeat(64)}.com`, `${"a.".repeat(127)}a`,
  ])("refuses %j", (text) => {
    expect(isHostName(text)).toBe(false);
  });

  test("takes linear time on what a pattern could trip over", () => {
    const startedMs = performance.now();
    for (const text of ["a".repeat(100_000), "-".repeat(100_000), "a.".repeat(50_000), `${"a".repeat(62)}-`.repeat(2_000)]) isHostName(text);
    expect(performance.now() - startedMs).toBeLessThan(200);
  });

  test("accepts nothing that a URL parser would read as another host", () => {
    fc.assert(fc.property(fc.string({ maxLength: 40 }), (text) => {
      if (isHostName(text)) expect(new URL(`http://${text}/`).hostname).toBe(text);
    }), { numRuns: 2_000 });
  });
});
