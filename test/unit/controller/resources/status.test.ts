import { describe, expect, test } from "vitest";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { claim, isTrue, saysAlready, statusApplication, summarize, toConditions } from "../../../../controller/resources/status.ts";

const NOW_MS = Date.UTC(2030, 0, 2, 3, 4, 5, 678);
const accepted = claim.isSo("Accepted", "Accepted");
const before = [{ ...accepted, observedGeneration: 1, lastTransitionTime: "2029-01-01T00:00:00Z" }];

describe("a condition", () => {
  test("keeps the time of its transition while its status is the same, and says which generation it is about", () => {
    const [condition] = toConditions(before, [claim.isSo("Accepted", "Anew", "again")], { generation: 2, nowMs: NOW_MS });
    expect(condition).toEqual({ type: "Accepted", status: "True", reason: "Anew", message: "again", observedGeneration: 2, lastTransitionTime: "2029-01-01T00:00:00Z" });
  });

  test("has a new time when its status changes, or when nobody made the claim before", () => {
    const made = toConditions(before, [claim.isNotSo("Accepted", "Invalid", "no"), claim.isSo("Programmed", "Programmed")], { generation: undefined, nowMs: NOW_MS });
    expect(made.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual(["2030-01-02T03:04:05Z", "2030-01-02T03:04:05Z"]);
    expect(made[0]).not.toHaveProperty("observedGeneration");
  });

  test("has a message of limited length", () => {
    expect(claim.isNotSo("A", "B", "x".repeat(5_000)).message).toHaveLength(1_024);
  });
});

describe("Ready", () => {
  test("is so if everything is", () => {
    expect(summarize([accepted])).toEqual({ type: "Ready", status: "True", reason: "Ready", message: "" });
  });

  test("has the reason of the first hindrance; what is not so counts before what nobody knows", () => {
    const unknown = claim.isUnknown("Programmed", "Pending", "wait");
    expect(summarize([accepted, unknown, claim.isNotSo("ResolvedRefs", "NoGrant", "no grant a")])).toEqual({ type: "Ready", status: "False", reason: "NoGrant", message: "no grant a" });
    expect(summarize([accepted, unknown])).toMatchObject({ type: "Ready", status: "Unknown", reason: "Pending" });
  });
});

describe("a status", () => {
  const target = { metadata: { name: "a", namespace: "b", resourceVersion: "7" }, status: { conditions: [...before, { type: "Other" }], revision: "r" } };

  test("is applied under a name of its writer's own, and holds nothing but name and status", () => {
    expect(statusApplication(TYPES.agents, target, { owner: "boundary", fields: { revision: "r" } })).toEqual({
      object: { apiVersion: "weir.dev/v1alpha1", kind: "Agent", metadata: { name: "a", namespace: "b" }, status: { revision: "r" } },
      options: { fieldManager: "weir-controller-boundary", force: true, subresource: "status" },
    });
  });

  test("is not written again while it says the same, whatever others say beside it", () => {
    expect(saysAlready(target, { revision: "r", conditions: before })).toBe(true);
    expect(saysAlready(target, { revision: "s", conditions: before })).toBe(false);
    expect(saysAlready(target, { conditions: [{ ...before[0], reason: "Other" }] })).toBe(false);
    expect(saysAlready({ metadata: target.metadata }, {})).toBe(false);
  });

  test("is true of a type only if it says so", () => {
    expect([isTrue(before, "Accepted"), isTrue(before, "Ready"), isTrue(undefined, "Accepted")]).toEqual([true, false, false]);
  });
});
