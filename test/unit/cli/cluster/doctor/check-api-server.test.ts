import { expect, test } from "vitest";
import { apiServerCheck } from "../../../../../cli/cluster/doctor/check-api-server.ts";
import { KubeError } from "../../../../../common/kube/kube-api.ts";
import { anInstalledCluster } from "../../../../support/installed-cluster.ts";

test.each([["v1.36.3", "ok"], ["v1.34.0-eks-1", "ok"], ["v2.0.0", "ok"], ["v1.33.9", "fail"], ["v0.99.0", "fail"], ["strange", "fail"]])("%s is %s", async (gitVersion, state) => {
  const cluster = await anInstalledCluster();
  cluster.api.answers.set("/version", () => ({ gitVersion }));
  expect((await cluster.said(apiServerCheck))[0]).toMatchObject({ name: "API server", state, detail: `${gitVersion} at https://api.example:6443` });
});

test("says who looks, and goes on if it is not told", async () => {
  const cluster = await anInstalledCluster();
  expect((await cluster.said(apiServerCheck))[1]).toEqual({ name: "you", state: "ok", detail: "admin", fix: "" });
  cluster.api.answers.set("/apis/authentication.k8s.io/v1/selfsubjectreviews", () => { throw new KubeError(403, "Forbidden", "may not"); });
  expect((await cluster.said(apiServerCheck))[1]).toMatchObject({ name: "you", state: "warn" });
});
