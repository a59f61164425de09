import { expect, test } from "vitest";
import { factsOf } from "../../../../../cli/cluster/doctor/facts.ts";
import { SEEN_TYPES } from "../../../../../cli/cluster/seen-types.ts";
import { TYPES } from "../../../../../common/kube/resource-types.ts";
import { anInstalledCluster } from "../../../../support/installed-cluster.ts";

test("namespaces for agents are those that the chart named, that carry the label, and that have Agents; each fact is found out once", async () => {
  const cluster = await anInstalledCluster();
  await cluster.add(TYPES.agents, "a", { spec: {} }, "with-agents");
  await cluster.add(SEEN_TYPES.admissionBindings, "weir-agent-namespaces-by-name", { spec: { matchResources: { namespaceSelector: { matchExpressions: [{ values: ["named"] }] } } } });
  const facts = factsOf(cluster);
  expect(await facts.agentNamespaces()).toEqual(["named", "team", "with-agents"]);
  expect(await facts.namedNamespaces()).toEqual(["named"]);
  await facts.agentNamespaces();
  expect(cluster.api.requests.filter((request) => request.startsWith("list agents"))).toHaveLength(1);
  expect((await facts.boundary())?.set.revision).toBe("r1");
});
