import { describe, expect, test } from "vitest";
import { canonicalIPv6, readAuthority } from "../../../../proxy/exchange/read-authority.ts";

describe("readAuthority reads one host and its port", () => {
  test.each([
    ["api.ok", "api.ok", null, false],
    ["API.oK", "api.ok", null, false],
    ["api.ok.", "api.ok", null, false],
    ["api.ok:8443", "api.ok", 8443, false],
    ["localhost", "localhost", null, false],
    ["xn--bcher-kva.example:443", "xn--bcher-kva.example", 443, false],
    ["a1.b2", "a1.b2", null, false],
    ["127.0.0.1", "127.0.0.1", null, true],
    ["[::1]", "::1", null, true],
    ["[0:0:0:0:0:0:0:1]:80", "::1", 80, true],
    ["[2001:DB8::0A]", "2001:db8::a", null, true],
    ["[::127.0.0.1]", "::7f00:1", null, true],
    ["[::ffff:127.0.0.1]", "::ffff:7f00:1", null, true],
  ])("%s", (text, host, port, isAddress) => {
    expect(readAuthority(text)).toEqual({ host, port, isAddress });
  });

  test("two writings of one IPv6 address are equal", () => {
    expect(canonicalIPv6("FE80:0::1")).toBe(canonicalIPv6("fe80::0:1"));
  });
});

describe("readAuthority refuses everything else", () => {
  test.each([
    "", ".", "..", ".ok", "api..ok", "*.ok", "-a.ok", "a-.ok", "a_b.ok", "api.ok%2eevil", "api.ok%00.evil", "api.ok\0.evil", "api.ok/x#", "a b", "user@api.ok", "user:pw@api.ok",
    "api.ok:", "api.ok:0", "api.ok:080", "api.ok:65536", "api.ok:443x", "api.ok:443:443", "api.ok,evil", "bücher.example",
    "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "0", "127.0.0.1.", "256.1.1.1", "1.2.3.4.5", "a.0x1", "a.1",
    "[fe80::1%25eth0]", "[::1%lo]", "[::1", "::1", "[]", "[127.0.0.1]", "[::g]", "[::1]x", `${"a".repeat(64)}.ok`, `${"a.".repeat(127)}ab`,
  ])("%j", (text) => {
    expect(() => readAuthority(text)).toThrow(expect.objectContaining({ code: "request.malformed" }));
  });
});
