import { describe, expect, test } from "vitest";
import { controllerCheck } from "../../../../../cli/cluster/doctor/check-controller.ts";
import { SEEN_TYPES } from "../../../../../cli/cluster/seen-types.ts";
import { TYPES } from "../../../../../common/kube/resource-types.ts";
import { anInstalledCluster } from "../../../../support/installed-cluster.ts";

const status = (fields: object) => (object: Record<string, unknown>) => { object["status"] = fields; };
const spec = (fields: object) => (object: Record<string, unknown>) => { object["spec"] = fields; };
const SYSTEM = "weir-system";

describe("the controllers", () => {
  test("are ready, and one of them leads", async () => {
    expect(await (await anInstalledCluster()).said(controllerCheck)).toMatchObject([{ name: "controller", state: "ok", detail: "2 of 2 ready" }, { name: "leader", state: "ok", detail: "one, renewed 0s ago" }]);
  });

  test.each([
    [{ readyReplicas: 0 }, "fail", "0 of 2 ready"], [{ readyReplicas: 1, updatedReplicas: 2, observedGeneration: 1 }, "warn", "1 of 2 ready"],
    [{ readyReplicas: 2, updatedReplicas: 1, observedGeneration: 1 }, "warn", "1 of the newest definition"], [{ readyReplicas: 2, updatedReplicas: 2, observedGeneration: 0 }, "warn", "2 of 2 ready"],
  ])("with the status %j are a %s", async (fields, state, detail) => {
    const cluster = await anInstalledCluster();
    await cluster.change(SEEN_TYPES.deployments, "weir-controller", status(fields));
    expect((await cluster.said(controllerCheck))[0]).toMatchObject({ state, detail: expect.stringContaining(detail) });
  });

  test("of another version than this tool are worth a look", async () => {
    const cluster = await anInstalledCluster();
    await cluster.change(SEEN_TYPES.deployments, "weir-controller", (object) => { object["metadata"] = { ...object["metadata"] as object, labels: { "app.kubernetes.io/version": "9.9.9" } }; });
    expect((await cluster.said(controllerCheck))[0]).toMatchObject({ state: "warn", detail: expect.stringContaining("version 9.9.9") });
  });

  test.each([
    [{ holderIdentity: "", renewTime: "2026-01-01T00:00:00Z" }, "nobody leads"], [{ holderIdentity: "one", leaseDurationSeconds: 15, renewTime: "2020-01-01T00:00:00Z" }, "nobody leads, and nothing is reconciled"],
    [{ holderIdentity: "one", renewTime: "soon" }, "nobody leads"],
  ])("with the Lease %j have no leader", async (fields, detail) => {
    const cluster = await anInstalledCluster();
    await cluster.change(TYPES.leases, "weir-controller", spec(fields));
    expect((await cluster.said(controllerCheck))[1]).toMatchObject({ name: "leader", state: "fail", detail: expect.stringContaining(detail) });
  });

  test("are said to be missing where they are", async () => {
    const cluster = await anInstalledCluster();
    await cluster.api.remove(SEEN_TYPES.deployments, { namespace: SYSTEM, name: "weir-controller" });
    await cluster.api.remove(TYPES.leases, { namespace: SYSTEM, name: "weir-controller" });
    expect(await cluster.said(controllerCheck)).toMatchObject([{ state: "fail", fix: expect.stringContaining("--system-namespace") }, { state: "fail", detail: expect.stringContaining("no controller ever led") }]);
  });
});
