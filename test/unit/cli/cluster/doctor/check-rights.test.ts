import { expect, test } from "vitest";
import { rightsCheck } from "../../../../../cli/cluster/doctor/check-rights.ts";
import { anInstalledCluster } from "../../../../support/installed-cluster.ts";

test("the programs have what they need, and no more", async () => {
  expect(await (await anInstalledCluster()).said(rightsCheck)).toMatchObject([{ name: "rights", state: "ok" }]);
});

test.each([
  ["weir-controller create pods", "weir-controller may not create pods in team"], ["weir-controller update leases", "weir-controller may not update leases weir-controller in weir-system"],
  ["weir-proxy watch pods", "weir-proxy may not watch pods in the whole cluster"], ["weir-controller patch threads/status", "weir-controller may not patch threads/status in the whole cluster"],
])("without the right to %s it is broken", async (right, detail) => {
  const cluster = await anInstalledCluster();
  cluster.rights.fewer.add(right);
  expect(await cluster.said(rightsCheck)).toMatchObject([{ state: "fail", detail, fix: expect.stringContaining("agentNamespaces") }]);
});

test.each(["weir-controller list secrets", "weir-proxy create pods/exec"])("with the right to %s it is worth a look", async (right) => {
  const cluster = await anInstalledCluster();
  cluster.rights.more.add(right);
  expect(await cluster.said(rightsCheck)).toMatchObject([{ state: "warn", detail: `${right.replace(" ", " may ")} in the whole cluster` }]);
});
