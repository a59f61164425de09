import { describe, expect, test } from "vitest";
import { changedLease, newLease, readLease } from "../../../../controller/kube/lease-record.ts";

const NOW_MS = Date.UTC(2026, 0, 1, 12, 0, 0, 7);
const HOLDING = { holder: "one", durationMs: 15_000, transitions: 3, nowMs: NOW_MS };
const SERVED = { metadata: { name: "weir-controller", namespace: "weir", uid: "u", resourceVersion: "7" } };

test("what is written is what is read", () => {
  const written = { ...newLease({ namespace: "weir", name: "weir-controller" }, HOLDING), ...SERVED };
  expect(readLease(written)).toMatchObject({ holder: "one", durationMs: 15_000, transitions: 3, version: "u/7" });
});

test("times are those of MicroTime", () => {
  expect(newLease(SERVED.metadata, HOLDING)["spec"]).toMatchObject({ acquireTime: "2026-01-01T12:00:00.007000Z", renewTime: "2026-01-01T12:00:00.007000Z" });
});

test("a change keeps what others wrote, and when it was acquired unless the term is new", () => {
  const before = { ...SERVED, spec: { acquireTime: "before", strategy: "theirs" } };
  expect(changedLease(before, HOLDING, false)).toMatchObject({ metadata: { resourceVersion: "7" }, spec: { acquireTime: "before", strategy: "theirs", holderIdentity: "one" } });
  expect(changedLease(before, HOLDING, true)["spec"]).toMatchObject({ acquireTime: "2026-01-01T12:00:00.007000Z" });
});

test("one that somebody made by hand, with nothing in it, is held by nobody", () => {
  expect(readLease(SERVED)).toMatchObject({ holder: "", transitions: 0, durationMs: 1_000 });
});

describe("one that cannot be read", () => {
  test.each<[string, object]>([
    ["has no version", { metadata: { name: "x" } }], ["has a number for a holder", { ...SERVED, spec: { holderIdentity: 7 } }],
    ["lasts no time", { ...SERVED, spec: { leaseDurationSeconds: 0 } }], ["lasts for weeks", { ...SERVED, spec: { leaseDurationSeconds: 10 ** 7 } }],
    ["counts backwards", { ...SERVED, spec: { leaseTransitions: -1 } }],
  ])("%s", (_, object) => {
    expect(() => readLease(object as Parameters<typeof readLease>[0])).toThrow("cannot be read");
  });
});
