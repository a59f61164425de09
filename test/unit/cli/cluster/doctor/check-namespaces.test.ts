import { describe, expect, test } from "vitest";
import { namespacesCheck, networkCheck } from "../../../../../cli/cluster/doctor/check-namespaces.ts";
import { SEEN_TYPES } from "../../../../../cli/cluster/seen-types.ts";
import { TYPES } from "../../../../../common/kube/resource-types.ts";
import { anInstalledCluster, type InstalledCluster } from "../../../../support/installed-cluster.ts";

const labelled = (cluster: InstalledCluster, labels: object) => cluster.change(TYPES.namespaces, "team", (object) => { object["metadata"] = { ...object["metadata"] as object, labels }; });
const GOVERNED = { "weir.dev/governed": "enabled" };

describe("namespaces for agents", () => {
  test("let the boundary in, and nothing else out", async () => {
    expect(await (await anInstalledCluster()).said(namespacesCheck)).toMatchObject([{ name: "namespace team", state: "ok" }]);
  });

  test("that enforce a stricter Pod Security refuse the boundary itself", async () => {
    const cluster = await anInstalledCluster();
    await labelled(cluster, { ...GOVERNED, "pod-security.kubernetes.io/enforce": "restricted" });
    expect(await cluster.said(namespacesCheck)).toMatchObject([{ state: "fail", detail: expect.stringContaining("Pod Security enforces restricted") }]);
    await labelled(cluster, GOVERNED);
    expect(await cluster.said(namespacesCheck)).toMatchObject([{ state: "ok" }]);
  });

  test("that nobody told the chart of are worth a look if agents are in them", async () => {
    const cluster = await anInstalledCluster();
    await cluster.add(TYPES.agents, "reviewer", { spec: {} });
    await labelled(cluster, {});
    expect(await cluster.said(namespacesCheck)).toMatchObject([{ name: "namespace team", state: "warn", detail: expect.stringContaining("NET_ADMIN") }]);
    const matchResources = { namespaceSelector: { matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "In", values: ["team"] }] } };
    await cluster.add(SEEN_TYPES.admissionBindings, "weir-agent-namespaces-by-name", { spec: { policyName: "weir-agent-namespaces", matchResources } });
    expect(await cluster.said(namespacesCheck)).toMatchObject([{ state: "ok" }]);
  });

  test("without their NetworkPolicies hold nobody, and one that the chart names must be there", async () => {
    const cluster = await anInstalledCluster();
    await cluster.api.remove(TYPES.networkPolicies, { namespace: "team", name: "weir-agents" });
    expect(await cluster.said(namespacesCheck)).toMatchObject([{ state: "fail", detail: expect.stringContaining("no NetworkPolicy weir-agents") }]);
    await cluster.add(TYPES.agents, "lost", { spec: {} }, "gone");
    expect((await cluster.said(namespacesCheck))[0]).toMatchObject({ name: "namespace gone", state: "fail", detail: "it is not there" });
  });

  test("are asked for where there are none", async () => {
    const cluster = await anInstalledCluster();
    await cluster.api.remove(TYPES.namespaces, { name: "team" });
    expect(await cluster.said(namespacesCheck)).toMatchObject([{ state: "warn", detail: "there is none for agents" }]);
  });
});

describe("the network plug-in", () => {
  test.each([["calico-node", "ok"], ["cilium", "ok"], ["kube-flannel-ds", "fail"], ["something-else", "warn"]])("%s is %s", async (name, state) => {
    const cluster = await anInstalledCluster();
    await cluster.add(SEEN_TYPES.daemonSets, name, {}, "kube-system");
    expect(await cluster.said(networkCheck)).toMatchObject([{ name: "network plug-in", state }]);
  });
});
