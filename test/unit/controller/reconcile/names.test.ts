import fc from "fast-check";
import { expect, test } from "vitest";
import { claimNameOf, podNameOf } from "../../../../controller/reconcile/names.ts";

const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const threadNames = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,100}[a-z0-9])?$/);

test("a short name can be read in the pod's name", () => {
  expect(podNameOf("support-4711")).toBe("weir-support-4711");
  expect(claimNameOf("support-4711", "workspace")).toBe("weir-support-4711.workspace");
});

test("every pod name is a DNS label of at most 63 characters", () => {
  fc.assert(fc.property(threadNames, (name) => {
    expect(podNameOf(name)).toMatch(LABEL);
    expect(podNameOf(name).length).toBeLessThanOrEqual(63);
  }));
});

test("two threads never share a pod's name", () => {
  fc.assert(fc.property(threadNames, threadNames, (one, other) => {
    fc.pre(one !== other);
    expect(podNameOf(one)).not.toBe(podNameOf(other));
  }));
});

test.each([
  ["the last name that is not cut", "a".repeat(57), 62],
  ["the first name that is cut", "a".repeat(58), 63],
  ["a name with a dot", "a.b", 63],
])("%s has its own length, so that no thread can be named like another one's cut name", (_, name, length) => {
  expect(podNameOf(name)).toHaveLength(length);
});

test("claims of neighbouring pairs differ", () => {
  expect(claimNameOf("a-b", "c")).not.toBe(claimNameOf("a", "b-c"));
});
