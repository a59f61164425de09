import { expect, test } from "vitest";
import { agentKey, boundarySet, qualifiedId } from "../../../common/boundary-set.ts";

const whole = { version: 1, revision: "r1", platform: { address: "10.0.0.7", port: 443 }, agents: {}, grants: {}, budgets: {} };

test("a boundary set is read as it was written", () => {
  expect(boundarySet.parse(whole)).toEqual(whole);
});

test("a boundary set takes the longest names that Kubernetes takes, and none that are longer", () => {
  const label = "a".repeat(63);
  const holds = { grants: [qualifiedId(label, label)], budgets: [qualifiedId(label, label)] };
  expect(boundarySet.safeParse({ ...whole, agents: { [agentKey(label, label, label)]: holds } }).success).toBe(true);
  expect(boundarySet.safeParse({ ...whole, agents: { [agentKey(label, label, `${label}a`)]: holds } }).success).toBe(false);
});

test.each([
  ["another version", { version: 2 }],
  ["a key that is not known", { secrets: {} }],
  ["no revision", { revision: "" }],
  ["a platform without a port", { platform: { address: "10.0.0.7" } }],
  ["an agent whose holdings are not listed", { agents: { "team-a/reviewer": {} } }],
])("a boundary set with %s is refused", (_what, change) => {
  expect(boundarySet.safeParse({ ...whole, ...change }).success).toBe(false);
});

test("an agent and its container have different keys, and a container's can be read one way only", () => {
  expect(agentKey("team-a", "reviewer")).toBe("team-a/reviewer");
  expect(agentKey("team-a", "reviewer", "github")).toBe("team-a/reviewer.github");
  expect(qualifiedId("team-a", "github")).toBe("team-a.github");
});
