import { expect, test } from "vitest";
import { isHostName } from "../../../../proxy/upstream/host-name.ts";

test.each(["api.example.test", "localhost", "a_b.example.test", "xn--bcher-kva.example", "1.example", "a".repeat(63)])("%s is a host name", (text) => {
  expect(isHostName(text)).toBe(true);
});

test.each([
  ["nothing", ""], ["a NUL", "api.example.test\0.evil.test"], ["a space", "a b.test"], ["an empty label", "a..test"], ["a trailing dot", "a.test."],
  ["an upper-case letter", "A.test"], ["a label of 64", `${"a".repeat(64)}.test`], ["254 characters", `${"a.".repeat(125)}test`], ["a slash", "a/b.test"],
  ["an at sign", "a@b.test"], ["a backslash", "a\\b.test"], ["a hyphen in front", "-a.test"], ["a hyphen behind", "a-.test"], ["a letter outside ASCII", "ä.test"],
  ["a shortened address", "127.1"], ["an address", "10.0.0.1"], ["a hexadecimal address", "0x7f.0x1"], ["an address as one number", "2130706433"], ["an IPv6 address", "::1"],
])("%s is not in a host name", (_, text) => {
  expect(isHostName(text)).toBe(false);
});
