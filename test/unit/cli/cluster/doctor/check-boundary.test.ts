import { expect, test } from "vitest";
import { boundaryCheck } from "../../../../../cli/cluster/doctor/check-boundary.ts";
import { BOUNDARY_CONFIG_MAP } from "../../../../../common/boundary-set.ts";
import { TYPES } from "../../../../../common/kube/resource-types.ts";
import { anInstalledCluster, boundaryData } from "../../../../support/installed-cluster.ts";

test("a boundary is counted", async () => {
  expect(await (await anInstalledCluster()).said(boundaryCheck)).toEqual([{ name: "boundary", state: "ok", detail: "revision r1: 0 agents, 0 grants, 0 budgets", fix: "" }]);
});

test("one that does not say where weir.internal is, is worth a look", async () => {
  const cluster = await anInstalledCluster();
  await cluster.change(TYPES.configMaps, BOUNDARY_CONFIG_MAP, (object) => { Object.assign(object, boundaryData({ platform: null })); });
  expect(await cluster.said(boundaryCheck)).toMatchObject([{ state: "warn", detail: expect.stringContaining("weir.internal") }]);
});

test("one that cannot be read is broken, and so is none", async () => {
  const cluster = await anInstalledCluster();
  await cluster.change(TYPES.configMaps, BOUNDARY_CONFIG_MAP, (object) => { object["binaryData"] = {}; });
  expect(await cluster.said(boundaryCheck)).toMatchObject([{ state: "fail", detail: expect.stringContaining("cannot be used") }]);
  await cluster.api.remove(TYPES.configMaps, { namespace: "weir-system", name: BOUNDARY_CONFIG_MAP });
  expect(await cluster.said(boundaryCheck)).toMatchObject([{ state: "fail", detail: expect.stringContaining("proxies refuse everything") }]);
});
