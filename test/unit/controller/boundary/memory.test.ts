import { describe, expect, test } from "vitest";
import { overMemory } from "../../../../controller/boundary/memory.ts";
import { clusterMemory, policyData, type ClusterPolicy } from "../../../../proxy/operator.ts";

const NO_REGO = { sources: new Map<string, string>(), questions: new Set<never>() };
const hosts = (count: number) => Array.from({ length: count }, (_, index) => ({ name: `h${index}.test` }));

/** Numbers of host entries by policy id. */
function aCluster(sizes: Readonly<Record<string, number>>): ClusterPolicy {
  const policies = Object.entries(sizes).map(([id, count]) => {
    const [namespace = "", name = ""] = id.split(".");
    return { namespace, name, data: policyData.parse({ hosts: hosts(count) }), rego: NO_REGO };
  });
  return { base: policyData.parse({}), policies, holders: {}, withheld: {}, platform: "weir.internal" };
}

describe("the memory of the evaluators", () => {
  const cluster = aCluster({ "team-a.web": 10, "team-b.web": 30, "team-b.more": 30, "team-c.web": 50 });
  const { totalBytes } = clusterMemory(cluster);

  test("is enough for what fits to the byte", () => {
    expect(overMemory(cluster, totalBytes)).toBeNull();
  });

  test("is taken first from the namespace whose policies take most together, all of them", () => {
    const left = overMemory(cluster, totalBytes - 1);
    expect([...left?.keys() ?? []]).toEqual(["team-b.web", "team-b.more"]);
    expect(left?.get("team-b.web")).toMatchObject({ reason: "TooLarge", message: expect.stringContaining(`${totalBytes - 1} are there`) as string });
  });

  test("that is not enough without any policy is an error", () => {
    expect(() => overMemory(aCluster({}), 10)).toThrow(/without any EgressPolicy/);
  });
});
