import { expect, test } from "vitest";
import { namespacesCheck } from "../../../../../cli/cluster/doctor/check-namespaces.ts";
import { redirectCheck } from "../../../../../cli/cluster/doctor/check-redirect.ts";
import { SEEN_TYPES } from "../../../../../cli/cluster/seen-types.ts";
import { TYPES } from "../../../../../common/kube/resource-types.ts";
import { anInstalledCluster } from "../../../../support/installed-cluster.ts";

test("where pods write their rules themselves there is nothing to say", async () => {
  expect(await (await anInstalledCluster()).said(redirectCheck)).toEqual([]);
});

test.each([[2, "ok", "2 of 2 ready"], [1, "fail", "1 of 2 ready: governed pods do not start on the other nodes"]])("with %s of two nodes that can write rules it is %s", async (ready, state, detail) => {
  const cluster = await anInstalledCluster();
  await cluster.add(SEEN_TYPES.daemonSets, "weir-redirect", { status: { desiredNumberScheduled: 2, numberReady: ready } }, "weir-system");
  expect(await cluster.said(redirectCheck)).toMatchObject([{ name: "rules by nodes", state, detail }]);
});

test("where nodes write rules a restricted namespace is as it should be", async () => {
  const cluster = await anInstalledCluster();
  await cluster.change(TYPES.namespaces, "team", (object) => {
    object["metadata"] = { ...object["metadata"] as object, labels: { "weir.dev/governed": "enabled", "pod-security.kubernetes.io/enforce": "restricted" } };
  });
  expect(await cluster.said(namespacesCheck)).toMatchObject([{ state: "fail" }]);
  await cluster.add(SEEN_TYPES.daemonSets, "weir-redirect", { status: {} }, "weir-system");
  expect(await cluster.said(namespacesCheck)).toMatchObject([{ state: "ok" }]);
});
