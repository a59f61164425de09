import { describe, expect, test } from "vitest";
import { kindsCheck, NOT_INSTALLED } from "../../../../../cli/cluster/doctor/check-kinds.ts";
import { SEEN_TYPES } from "../../../../../cli/cluster/seen-types.ts";
import { VERSION } from "../../../../../common/version.ts";
import { anInstalledCluster } from "../../../../support/installed-cluster.ts";
import { aCluster } from "../../../../support/seen-cluster.ts";
import { factsOf } from "../../../../../cli/cluster/doctor/facts.ts";

const THREADS = "threads.weir.dev";
type Change = (object: Record<string, unknown>) => void;

describe("Weir's kinds", () => {
  test("are all served", async () => {
    expect(await (await anInstalledCluster()).said(kindsCheck)).toEqual([{ name: "kinds", state: "ok", detail: "Agent, Thread, EgressPolicy, CredentialGrant, Budget are served as weir.dev/v1alpha1", fix: "" }]);
  });

  test.each<[string, Change, string, string]>([
    ["not established", (object) => { object["status"] = { conditions: [{ type: "Established", status: "False" }] }; }, "fail", "not established"],
    ["served in another version", (object) => { object["spec"] = { versions: [{ name: "v1", served: true, storage: true }, { name: "v1alpha1", served: false, storage: false }] }; }, "fail", "served as v1, not as v1alpha1"],
    ["of another release", (object) => { object["metadata"] = { ...object["metadata"] as object, labels: { "app.kubernetes.io/version": "9.9.9" } }; }, "warn", `of version 9.9.9, this tool of ${VERSION}`],
  ])("are named where one is %s", async (_, change, state, detail) => {
    const cluster = await anInstalledCluster();
    await cluster.change(SEEN_TYPES.kinds, THREADS, change);
    expect(await cluster.said(kindsCheck)).toMatchObject([{ state, detail: expect.stringContaining(detail) }]);
  });

  test("are named where one is missing", async () => {
    const cluster = await anInstalledCluster();
    await cluster.api.remove(SEEN_TYPES.kinds, { name: THREADS });
    expect(await cluster.said(kindsCheck)).toMatchObject([{ state: "fail", detail: "threads.weir.dev is not there", fix: expect.stringContaining("helm upgrade") }]);
  });

  test("are all missing where Weir is not installed, which is one finding", async () => {
    const cluster = aCluster();
    expect(await kindsCheck.run(cluster, factsOf(cluster))).toEqual([NOT_INSTALLED]);
  });
});
