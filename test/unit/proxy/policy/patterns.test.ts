import { describe, expect, test } from "vitest";
import { parseAgentPattern, parseCidr, parseHostPattern, parsePathPattern, parseRefusedPath } from "../../../../proxy/policy/patterns.ts";

describe("a host pattern", () => {
  test.each([
    ["api.example.com", { depth: "exact", name: "api.example.com" }],
    ["*.example.com", { depth: "one", name: "example.com" }],
    ["**.example.com", { depth: "many", name: "example.com" }],
    ["**", { depth: "many", name: "" }],
    ["*", { depth: "one", name: "" }],
    ["xn--bcher-kva.example", { depth: "exact", name: "xn--bcher-kva.example" }],
    ["_sip._tcp.example.com", { depth: "exact", name: "_sip._tcp.example.com" }],
  ])("%s is read", (text, pattern) => {
    expect(parseHostPattern(text)).toEqual(pattern);
  });

  test.each([
    ["API.example.com", "lower case"], ["example.com.", "trailing dot"], ["a*.example.com", "whole first label"], ["a.*.com", "whole first label"], ["*.*.com", "whole first label"],
    ["***.example.com", "whole first label"], ["*.", "not a host name"], ["10.0.0.1", "is an address"], ["::1", "is an address"], ["2130706433", "is an address"], ["*.0.0.1", "is an address"],
    ["example.com:443", "ports go under"], ["bücher.example", "xn--"], [".example.com", "not a host name"], ["a..b", "not a host name"], ["-a.example", "not a host name"],
    ["https://example.com", "not a host name"], [`${"a".repeat(64)}.example`, "not a host name"],
  ])("%s is refused with the reason", (text, reason) => {
    expect(() => parseHostPattern(text)).toThrow(reason);
  });
});

describe("a path pattern", () => {
  test.each([
    ["/", { segments: [], rest: false }],
    ["/**", { segments: [], rest: true }],
    ["/v1/models", { segments: ["v1", "models"], rest: false }],
    ["/v1/", { segments: ["v1", ""], rest: false }],
    ["/repos/*/issues/**", { segments: ["repos", null, "issues"], rest: true }],
    ["/a b/ü", { segments: ["a b", "ü"], rest: false }],
    ["/a*/*.txt", { segments: [{ like: String.raw`\Aa[^/]+\z` }, { like: String.raw`\A[^/]+\.txt\z` }], rest: false }],
    ["/@*%2F*/acme%2fapp", { segments: [{ like: String.raw`\A@[^/]+/[^/]+\z` }, "acme/app"], rest: false }],
  ])("%s is read", (text, pattern) => {
    expect(parsePathPattern(text)).toEqual(pattern);
  });

  test.each([
    ["v1", "starts with /"], ["/a?b=1", "query"], ["/a#b", "fragment"], ["/a%20b", "decoded"], ["/**/a", "only at the end"], ["/a*b*c*d*e", "at most 3 times"], ["/a**", "only at the end"], ["/a%2F..", "dot segments"], ["/%2Fa", "both sides"], ["/a%2f", "both sides"],
    ["/a/../b", "dot segments"], ["/./a", "dot segments"], ["/a//b", "empty segments"], ["/a//**", "empty segments"], ["//**", "empty segments"],
  ])("%s is refused with the reason", (text, reason) => {
    expect(() => parsePathPattern(text)).toThrow(reason);
  });
});

describe("a path pattern of a deny", () => {
  test.each([
    ["/", { segments: [], rest: false }],
    ["/V1/Admin/", { segments: ["v1", "admin"], rest: false }],
    ["/a;x=1/*/b%2Fc/**", { segments: ["a", null, "b", "c"], rest: true }],
    ["/adm*", { segments: [{ like: String.raw`\Aadm[^/]*\z` }], rest: false }],
  ])("%s is read in its plain form", (text, pattern) => {
    expect(parseRefusedPath(text)).toEqual(pattern);
  });
});

test("an agent pattern is namespace and name, either of them open", () => {
  expect(parseAgentPattern("default/*")).toEqual({ namespace: "default", name: null });
  expect(parseAgentPattern("*/reviewer")).toEqual({ namespace: null, name: "reviewer" });
  for (const text of ["reviewer", "a/b/c", "a/", "/b", "a/b*", ""]) expect(() => parseAgentPattern(text)).toThrow("namespace/name");
});

test("a range begins where its bits say", () => {
  expect(parseCidr("10.0.0.0/8")).toBe("10.0.0.0/8");
  expect(parseCidr("fd00::/8")).toBe("fd00::/8");
  expect(() => parseCidr("10.1.2.3/8")).toThrow("begins at 10.0.0.0/8");
  for (const text of ["10.0.0.1", "10.0.0.0/33", "example.com/8", ""]) expect(() => parseCidr(text)).toThrow("not an address range");
});
