import { beforeEach, describe, expect, test } from "vitest";
import { BOUNDARY_CONFIG_MAP } from "../../../../common/boundary-set.ts";
import { KubeError, type KubeObject, type ResourceType } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { silentLog } from "../../../../common/log.ts";
import { BoundaryKeeper, type BoundaryDeps } from "../../../../controller/boundary/keep-boundary.ts";
import { A_GRANT, PLATFORM, settings } from "../../../support/boundary-resources.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";
import { TestClock } from "../../../support/test-clock.ts";

const signal = new AbortController().signal;

describe("one pass of the keeper", () => {
  let kube: MemoryKubeApi;
  let keeper: BoundaryKeeper;
  const listed = new Map<ResourceType, KubeObject[]>();
  const informer = (type: ResourceType) => ({ list: () => listed.get(type) ?? [], synced: async () => {}, onChange: () => () => {}, run: async () => {} }) as never;
  const put = async (type: ResourceType, name: string, spec: object) => {
    await kube.apply(type, { metadata: { name, namespace: "a" }, spec }, { fieldManager: "t", force: true });
    await refresh();
  };
  const refresh = async () => {
    for (const type of [TYPES.agents, TYPES.egressPolicies, TYPES.credentialGrants, TYPES.budgets]) listed.set(type, [...(await kube.list(type, {})).items]);
  };
  const conditions = async (type: ResourceType, name: string) => {
    const { conditions: told = [] } = ((await kube.get(type, { namespace: "a", name }))?.["status"] ?? {}) as { conditions?: { type: string; status: string; reason: string }[] };
    return told.map((one) => `${one.type}=${one.status} ${one.reason}`);
  };
  const published = async () => kube.get(TYPES.configMaps, { namespace: "weir", name: BOUNDARY_CONFIG_MAP });

  beforeEach(async () => {
    kube = new MemoryKubeApi();
    const informers = { agents: informer(TYPES.agents), egressPolicies: informer(TYPES.egressPolicies), credentialGrants: informer(TYPES.credentialGrants), budgets: informer(TYPES.budgets) };
    const deps: BoundaryDeps = { api: kube, informers, config: settings().config, opa: null, log: silentLog, clock: new TestClock(), namespace: "weir", platform: PLATFORM };
    keeper = new BoundaryKeeper(deps);
    await put(TYPES.credentialGrants, "github", A_GRANT);
    await put(TYPES.egressPolicies, "web", { data: { hosts: [{ name: "x.test" }] } });
    await put(TYPES.agents, "coder", { policies: ["web"], grants: ["github"] });
  });

  test("publishes the boundary, says of each resource what became of it, and writes nothing the next time", async () => {
    expect(await keeper.pass(signal)).toMatchObject({ wasPublished: true, statusWrites: 3, isComplete: true });
    expect(await published()).toHaveProperty("binaryData");
    expect(await conditions(TYPES.agents, "coder")).toContain("Ready=True Ready");
    await refresh();
    expect(await keeper.pass(signal)).toMatchObject({ wasPublished: false, statusWrites: 0 });
  });

  test("publishes again when a grant goes, and says who misses it", async () => {
    await keeper.pass(signal);
    await kube.remove(TYPES.credentialGrants, { namespace: "a", name: "github" });
    await refresh();
    expect(await keeper.pass(signal)).toMatchObject({ wasPublished: true });
    expect(await conditions(TYPES.agents, "coder")).toContain("ResolvedRefs=False RefNotFound");
  });

  test("passes over an object that went away while its status was written", async () => {
    kube.failNext("apply-status agents a/coder", new KubeError(404, "NotFound", "gone"));
    expect(await keeper.pass(signal)).toMatchObject({ wasPublished: true });
  });

  test("is tried again as a whole if a status could not be written", async () => {
    kube.failNext("apply-status agents a/coder", new KubeError(500, "InternalError", "later"));
    await expect(keeper.pass(signal)).rejects.toMatchObject({ status: 500 });
    expect(await keeper.pass(signal)).toMatchObject({ wasPublished: false, statusWrites: expect.any(Number) });
    expect(await conditions(TYPES.agents, "coder")).toContain("Ready=True Ready");
  });

  test("leaves nobody without a status for objects that the API server takes none for", async () => {
    const [stuck, others] = [["a1", "a2", "a3", "a4", "a5"], ["z1", "z2", "z3"]];
    for (const name of [...stuck, ...others]) await put(TYPES.egressPolicies, name, { data: { hosts: [{ name: "x.test" }] } });
    for (const name of stuck) kube.failNext(`apply-status egresspolicies a/${name}`, new KubeError(413, "RequestEntityTooLarge", "etcdserver: request is too large"));
    await expect(keeper.pass(signal)).rejects.toMatchObject({ status: 413 });
    for (const name of others) expect(await conditions(TYPES.egressPolicies, name)).toContain("Programmed=True Programmed");
    expect(await conditions(TYPES.agents, "coder")).toContain("Ready=True Ready");
  });

  test("does not overwrite what another leader published since it looked", async () => {
    await keeper.pass(signal);
    await put(TYPES.egressPolicies, "web", { data: { hosts: [{ name: "y.test" }] } });
    kube.failNext("replace configmaps", new KubeError(409, "Conflict", "modified"));
    await expect(keeper.pass(signal)).rejects.toMatchObject({ status: 409 });
  });

  test("without a compiler keeps policies of data, and refuses those with Rego", async () => {
    await put(TYPES.egressPolicies, "code", { rego: { "x.rego": "package weir.custom.exchange\n" } });
    await keeper.pass(signal);
    expect(await conditions(TYPES.egressPolicies, "code")).toContain("Accepted=False InvalidRego");
    expect(await conditions(TYPES.egressPolicies, "web")).toContain("Programmed=True Programmed");
  });
});
