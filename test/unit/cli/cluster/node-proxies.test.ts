import { describe, expect, test } from "vitest";
import { askProxies, listProxies, sampleOf } from "../../../../cli/cluster/node-proxies.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { aCluster, type SeenCluster } from "../../../support/seen-cluster.ts";

const LABELS = { "app.kubernetes.io/name": "weir", "app.kubernetes.io/component": "proxy" };

/** A proxy's pod on a node. */
async function addProxy(cluster: SeenCluster, name: string, node: string, isReady = true): Promise<void> {
  await cluster.add(TYPES.pods, name, { metadata: { labels: LABELS }, spec: { nodeName: node }, status: { conditions: [{ type: "Ready", status: isReady ? "True" : "False" }] } }, "weir-system");
}

describe("node proxies", () => {
  test("are the installation's proxy pods, by node", async () => {
    const cluster = aCluster();
    await addProxy(cluster, "weir-proxy-2", "b");
    await addProxy(cluster, "weir-proxy-1", "a", false);
    await cluster.add(TYPES.pods, "weir-controller-1", { metadata: { labels: { ...LABELS, "app.kubernetes.io/component": "controller" } }, spec: {} }, "weir-system");
    expect(await listProxies(cluster)).toEqual([{ pod: "weir-proxy-1", node: "a", isReady: false }, { pod: "weir-proxy-2", node: "b", isReady: true }]);
  });

  test("are asked through the API server if they are ready, and one that does not answer is no reason not to hear the others", async () => {
    const cluster = aCluster();
    for (const [name, node, isReady] of [["p1", "a", true], ["p2", "b", true], ["p3", "c", false]] as const) await addProxy(cluster, name, node, isReady);
    cluster.texts.set("/api/v1/namespaces/weir-system/pods/p1:15090/proxy/metrics", 'weir_audit_healthy 1\nweir_boundary_info{revision="r1"} 1\n');
    const reports = await askProxies(cluster, await listProxies(cluster));
    expect(reports.map(({ proxy, trouble }) => [proxy.node, trouble])).toEqual([["a", null], ["b", "nobody answers"]]);
    expect(sampleOf(reports[0]!, "weir_boundary_info")?.labels).toEqual({ revision: "r1" });
    expect(sampleOf(reports[1]!, "weir_boundary_info")).toBeUndefined();
  });
});
