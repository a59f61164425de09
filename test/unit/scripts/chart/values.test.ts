import { describe, expect, test } from "vitest";
import { chartValues } from "../../../../scripts/chart/values.ts";

const isTaken = (values: object) => chartValues.safeParse(values).success;

describe("the chart's values", () => {
  test("may all be left out", () => {
    expect(isTaken({})).toBe(true);
  });

  test.each<[string, object, object]>([
    ["a digest", { images: { proxy: { digest: `sha256:${"a".repeat(64)}` } } }, { images: { proxy: { digest: "sha256:abc" } } }],
    ["a namespace for agents", { agentNamespaces: [{ name: "team-a" }] }, { agentNamespaces: [{ name: "Team.A" }] }],
    ["a number of controllers", { controller: { replicas: 2 } }, { controller: { replicas: 0 } }],
    ["a store", { controller: { store: { kind: "postgres" } } }, { controller: { store: { kind: "mysql" } } }],
    ["nodes at a time", { proxy: { maxUnavailable: "10%" } }, { proxy: { maxUnavailable: 0 } }],
    ["a folder of the node", { proxy: { stateHostPath: "/var/lib/weir" } }, { proxy: { stateHostPath: "var/lib" } }],
    ["what is known", { networkPolicies: { enabled: false } }, { networkPolicy: { enabled: false } }],
  ])("take %s as it is written, and not otherwise", (_name, good, bad) => {
    expect([isTaken(good), isTaken(bad)]).toEqual([true, false]);
  });
});
