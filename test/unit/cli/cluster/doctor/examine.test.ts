import { describe, expect, test } from "vitest";
import { examineCluster } from "../../../../../cli/cluster/doctor/examine.ts";
import { KubeError } from "../../../../../common/kube/kube-api.ts";
import { anInstalledCluster } from "../../../../support/installed-cluster.ts";
import { aCluster } from "../../../../support/seen-cluster.ts";

describe("an examination", () => {
  test("asks everything, in the order in which one thing needs another", async () => {
    const names = (await examineCluster(await anInstalledCluster())).map(({ name }) => name);
    expect(names).toEqual([
      "API server", "you", "kinds", "controller", "leader", "webhook", "injection in team", "admission policies", "boundary", "proxies", "nodes", "boundary in force",
      "rights", "namespace team", "network plug-in", "definitions", "threads",
    ]);
  });

  test("ends where there is no Weir", async () => {
    const cluster = aCluster();
    cluster.api.answers.set("/version", () => ({ gitVersion: "v1.36.0" }));
    expect((await examineCluster(cluster)).map(({ name, state }) => `${name} ${state}`)).toEqual(["API server ok", "you warn", "kinds fail"]);
  });

  test("says what one may not see, and goes on", async () => {
    const cluster = await anInstalledCluster();
    cluster.api.failNext("list daemonsets", new KubeError(403, "Forbidden", "bob may not"));
    const found = await examineCluster(cluster);
    expect(found.find(({ name }) => name === "network plug-in")).toMatchObject({ state: "warn", detail: "you may not look: bob may not" });
    expect(found.find(({ name }) => name === "definitions")).toMatchObject({ state: "ok" });
  });

  test("takes what it cannot do for broken, never for well", async () => {
    const cluster = await anInstalledCluster();
    cluster.api.failNext("list daemonsets", new KubeError(500, "", "no"));
    expect((await examineCluster(cluster)).find(({ name }) => name === "network plug-in")).toMatchObject({ state: "fail" });
  });

  test("is an error where the API server cannot be asked at all", async () => {
    const cluster = aCluster();
    cluster.api.answers.set("/version", () => { throw new KubeError(0, "Unreachable", "nobody there"); });
    await expect(examineCluster(cluster)).rejects.toThrow("nobody there");
  });
});
