import { describe, expect, test } from "vitest";
import { definitionsCheck, threadsCheck } from "../../../../../cli/cluster/doctor/check-definitions.ts";
import { TYPES } from "../../../../../common/kube/resource-types.ts";
import { anInstalledCluster } from "../../../../support/installed-cluster.ts";
import { aCondition } from "../../../../support/seen-cluster.ts";

const good = { spec: {}, status: { observedGeneration: 1, conditions: [aCondition("Accepted", "True")] } };

describe("definitions of teams", () => {
  test("are all in force, or there are none", async () => {
    const cluster = await anInstalledCluster();
    expect(await cluster.said(definitionsCheck)).toMatchObject([{ state: "ok", detail: "there are none yet" }]);
    await cluster.add(TYPES.agents, "a", good);
    await cluster.add(TYPES.budgets, "b", good);
    expect(await cluster.said(definitionsCheck)).toMatchObject([{ state: "ok", detail: "all 2 are in force" }]);
  });

  test("that are not so, not seen, or seen before their last change, are named with what to do", async () => {
    const cluster = await anInstalledCluster();
    await cluster.add(TYPES.egressPolicies, "p", { spec: {}, status: { conditions: [aCondition("Accepted", "False", "Invalid", "data: wrong")] } });
    await cluster.add(TYPES.credentialGrants, "new", { spec: {} });
    await cluster.add(TYPES.budgets, "late", { spec: {}, status: { observedGeneration: 0, conditions: [aCondition("Accepted", "True")] } });
    expect(await cluster.said(definitionsCheck)).toEqual([
      { name: "EgressPolicy team/p", state: "fail", detail: "Accepted is not so (Invalid): data: wrong", fix: "`kubectl -n team describe egresspolicy p` has the rest." },
      expect.objectContaining({ name: "CredentialGrant team/new", state: "warn", detail: "no controller has looked at it yet" }),
      expect.objectContaining({ name: "Budget team/late", state: "warn", detail: "the controller has not looked at its last change yet" }),
    ]);
  });

  test("are not all named where they are many", async () => {
    const cluster = await anInstalledCluster();
    for (let index = 0; index < 25; index += 1) await cluster.add(TYPES.budgets, `b${index}`, { spec: {} });
    const found = await cluster.said(definitionsCheck);
    expect(found).toHaveLength(21);
    expect(found.at(-1)).toMatchObject({ state: "warn", detail: "and 5 more" });
  });
});

describe("threads", () => {
  test("that were given up are named, not those that a person paused", async () => {
    const cluster = await anInstalledCluster();
    await cluster.add(TYPES.threads, "mine", { spec: { agent: "a", paused: true }, status: { phase: "Paused" } });
    expect(await cluster.said(threadsCheck)).toMatchObject([{ state: "ok", detail: "1, none of them given up" }]);
    await cluster.add(TYPES.threads, "stuck", { spec: { agent: "a" }, status: { phase: "Paused", attempts: 10, conditions: [aCondition("Started", "False", "ImagePullFailed", "no such image")] } });
    expect(await cluster.said(threadsCheck)).toEqual([{
      name: "Thread team/stuck", state: "warn", detail: "no longer started after 10 tries: ImagePullFailed: no such image", fix: "`weir explain -n team --thread stuck`",
    }]);
  });
});
