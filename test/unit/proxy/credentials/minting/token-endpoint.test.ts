import { describe, expect, test } from "vitest";
import { endpoint, keyVersionOf, lifetimeUntil, mintedVersion } from "../../../../../proxy/credentials/minting/token-endpoint.ts";
import { TestClock } from "../../../../support/test-clock.ts";

const clock = new TestClock();
const lifetime = (leftMs: number) => lifetimeUntil(clock.nowMs() + leftMs, clock);

describe("the time of a token", () => {
  test("ends five minutes early, of a short one a tenth early", () => {
    expect(lifetime(3_600_000)).toBe(3_300_000);
    expect(lifetime(600_000)).toBe(540_000);
    expect(lifetime(60_000)).toBe(54_000);
  });

  test("is a day at most", () => {
    expect(lifetime(400 * 24 * 3_600_000)).toBe(24 * 3_600_000);
  });

  test.each([0, -1, 900, Number.NaN, Number.NEGATIVE_INFINITY])("of %d ms is none", (leftMs) => {
    expect(() => lifetime(leftMs)).toThrow(/no time left/);
  });
});

describe("the version of a token", () => {
  test("holds that of its key, and is another one each time", () => {
    const versions = [mintedVersion("key-7"), mintedVersion("key-7")];
    expect(versions.map(keyVersionOf)).toEqual(["key-7", "key-7"]);
    expect(new Set(versions).size).toBe(2);
  });

  test("has 64 characters at most", () => {
    expect(mintedVersion("v".repeat(80))).toMatch(/^[0-9a-f]{12}-v{51}$/);
  });
});

describe("the address of an endpoint", () => {
  test.each(["https://login.test/token", "https://login.test:8443/a/b", "https://api.github.com"])("may be %s", (address) => {
    expect(endpoint.safeParse(address).success).toBe(true);
  });

  test.each(["http://login.test/token", "https://user:pass@login.test/token", "https://login.test/token?x=1", "https://login.test/#x", "login.test", "file:///etc/passwd"])("may not be %s", (address) => {
    expect(endpoint.safeParse(address).success).toBe(false);
  });
});
