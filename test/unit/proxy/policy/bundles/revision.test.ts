import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { revisionNumber, stepFrom } from "../../../../../proxy/policy/bundles/revision.ts";

describe("a revision", () => {
  test.each([["0", 0], ["42", 42], ["42-npm-read-only", 42], ["999999999999999", 999_999_999_999_999]])("%s is ordered by its number", (revision, number) => {
    expect(revisionNumber(revision)).toBe(number);
  });

  test.each(["", "v42", "-1", "042", "4.2", "1e3", "0x10", "42-", "42 -a", "42-a b", "1000000000000000", "sha256:00", "٤"])("%j has no order", (revision) => {
    expect(revisionNumber(revision)).toBeNull();
  });
});

describe("from one bundle to the next", () => {
  const at = (revision: string, digest: string | null = "x") => ({ revision, digest });

  test.each([
    [null, at("1"), "up"], [at("1"), at("2"), "up"], [at("9"), at("10"), "up"], [at("2"), at("1"), "lower"], [at("10"), at("9-more"), "lower"],
    [at("1"), at("1"), "same"], [at("1"), at("1", "y"), "conflict"], [at("1-a"), at("1-b", "y"), "conflict"], [at("1", null), at("1", "y"), "same"],
    [at("1"), at("sha256:1"), "unordered"], [at("sha256:1"), at("1"), "up"],
  ] as const)("%j to %j is %s", (before, next, step) => {
    expect(stepFrom(before, next)).toBe(step);
  });

  test("there is no way down by any number of steps", () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(50), fc.constantFrom("x", "y"))), (offers) => {
      let inForce = at("0");
      for (const [number, digest] of offers) {
        const before = inForce;
        const next = at(String(number), digest);
        if (["up", "same"].includes(stepFrom(before, next))) inForce = next;
        expect(Number(inForce.revision)).toBeGreaterThanOrEqual(Number(before.revision));
        if (inForce.revision === before.revision) expect(inForce.digest).toBe(before.digest);
      }
    }));
  });
});
