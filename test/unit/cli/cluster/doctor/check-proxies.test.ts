import { describe, expect, test } from "vitest";
import { proxiesCheck } from "../../../../../cli/cluster/doctor/check-proxies.ts";
import { SEEN_TYPES } from "../../../../../cli/cluster/seen-types.ts";
import { KubeError } from "../../../../../common/kube/kube-api.ts";
import { anInstalledCluster } from "../../../../support/installed-cluster.ts";

const NODE_A = "weir-proxy-a:";

describe("the node proxies", () => {
  test("are everywhere, with one boundary in force", async () => {
    expect(await (await anInstalledCluster()).said(proxiesCheck)).toMatchObject([
      { name: "proxies", state: "ok", detail: "2 of 2 ready" }, { name: "nodes", state: "ok", detail: "each of 2 has a proxy that is ready" },
      { name: "boundary in force", state: "ok", detail: "r1 on all 2 nodes" },
    ]);
  });

  test.each([
    [{ desiredNumberScheduled: 2, numberReady: 1 }, "fail", "1 of 2 ready"], [{ desiredNumberScheduled: 0 }, "fail", "wants no pod"],
    [{ desiredNumberScheduled: 2, numberReady: 2, updatedNumberScheduled: 1, observedGeneration: 1 }, "warn", "1 of the newest definition"],
  ])("with the status %j are a %s", async (fields, state, detail) => {
    const cluster = await anInstalledCluster();
    await cluster.change(SEEN_TYPES.daemonSets, "weir-proxy", (object) => { object["status"] = fields; });
    expect((await cluster.said(proxiesCheck))[0]).toMatchObject({ state, detail: expect.stringContaining(detail) });
  });

  test("are missed by name on a node, which nobody says who may not list nodes", async () => {
    const cluster = await anInstalledCluster();
    await cluster.add(SEEN_TYPES.nodes, "c");
    expect((await cluster.said(proxiesCheck))[1]).toMatchObject({ name: "nodes", state: "warn", detail: "without a proxy that is ready: c" });
    cluster.api.failNext("list nodes", new KubeError(403, "Forbidden", "may not"));
    expect((await cluster.said(proxiesCheck))[1]).toMatchObject({ name: "nodes", state: "warn", detail: "you may not list nodes" });
  });

  test.each([
    ["weir_boundary_info{revision=\"r0\"} 1", "boundary in force", "warn", "an earlier one on a"],
    ["weir_boundary_info{revision=\"r0\"} 1\nweir_boundary_trouble 1", "boundary in force", "fail", "refused, in whole or in part, on a"],
    ["weir_boundary_info{revision=\"r1\"} 1\nweir_audit_healthy 0", "audit", "fail", "records do not reach the disk on a"],
    ["weir_boundary_info{revision=\"r1\"} 1\nweir_ledger_up 0", "ledger", "fail", "does not answer the proxy on a"],
  ])("that say %j are named", async (text, name, state, detail) => {
    const cluster = await anInstalledCluster();
    cluster.texts.set(NODE_A, text);
    expect((await cluster.said(proxiesCheck)).filter((one) => one.state !== "ok")).toMatchObject([{ name, state, detail: expect.stringContaining(detail) }]);
  });

  test("that do not answer are no reason to say that all is well", async () => {
    const cluster = await anInstalledCluster();
    cluster.texts.clear();
    expect((await cluster.said(proxiesCheck)).slice(2)).toMatchObject([{ state: "warn", detail: "could not be asked: a, b (nobody answers)" }]);
  });

  test("are said to be missing", async () => {
    const cluster = await anInstalledCluster();
    await cluster.api.remove(SEEN_TYPES.daemonSets, { namespace: "weir-system", name: "weir-proxy" });
    expect(await cluster.said(proxiesCheck)).toMatchObject([{ state: "fail", detail: "there is no DaemonSet weir-system/weir-proxy" }]);
  });
});
