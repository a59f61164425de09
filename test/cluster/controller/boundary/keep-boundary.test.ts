import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BOUNDARY_CONFIG_MAP } from "../../../../common/boundary-set.ts";
import { systemClock } from "../../../../common/clock.ts";
import { readEnvironment } from "../../../../common/config.ts";
import { openInformer } from "../../../../common/kube/informer.ts";
import type { KubeApi, KubeObject, ResourceType } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { silentLog } from "../../../../common/log.ts";
import { boundaryConfig } from "../../../../controller/boundary/config.ts";
import { BoundaryKeeper, keepBoundary, type BoundaryDeps } from "../../../../controller/boundary/keep-boundary.ts";
import { readBoundary } from "../../../../proxy/cluster/read-boundary.ts";
import { findOpa } from "../../../../proxy/policy/opa.ts";
import { findKubernetes, obtainKubernetes } from "../../../../tools/kubernetes.ts";
import { A_BUDGET, A_GRANT, PLATFORM } from "../../../support/boundary-resources.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../../../support/kube/control-plane.ts";
import { installKinds } from "../../../support/kube/weir-kinds.ts";

const environment = readEnvironment();
const isRequired = environment["WEIR_TIER"] === "cluster";
const programs = isRequired ? await obtainKubernetes(environment, () => {}, PROGRAMS_OF_LEVEL[1]) : await findKubernetes(environment, PROGRAMS_OF_LEVEL[1]);
const opa = await findOpa(environment);

const SOON = { timeout: 20_000, interval: 50 };
const HOST = { data: { hosts: [{ name: "api.github.com", grants: ["github"] }] } };
let plane: ControlPlane;
let count = 0;

/** One installation and one team, each in a namespace of its own; what other tests leave behind is in other namespaces. */
class Scene {
  readonly team = `team-${count += 1}`;
  readonly home = `weir-${count}`;
  readonly stop = new AbortController();
  readonly deps: BoundaryDeps;

  constructor(api: KubeApi, differences: Partial<BoundaryDeps> = {}) {
    const informer = (type: ResourceType) => openInformer(api, type, { namespace: this.team }, { log: silentLog });
    const informers = { agents: informer(TYPES.agents), egressPolicies: informer(TYPES.egressPolicies), credentialGrants: informer(TYPES.credentialGrants), budgets: informer(TYPES.budgets) };
    this.deps = {
      api, informers, config: boundaryConfig.parse({ debounceMs: 20, resyncIntervalMs: 1_000 }), opa, log: silentLog, clock: systemClock, namespace: this.home, platform: PLATFORM, ...differences,
    };
  }

  /** Informers and keeper, until `stop`. */
  async run(): Promise<void> {
    const { signal } = this.stop;
    await Promise.all([...Object.values(this.deps.informers).map((informer) => informer.run(signal)), keepBoundary(this.deps, signal)]);
  }

  async apply(type: ResourceType, name: string, spec: object): Promise<KubeObject> {
    return plane.api.apply(type, { apiVersion: `${type.group}/${type.version}`, kind: type.kind, metadata: { name, namespace: this.team }, spec }, { fieldManager: "tester", force: true });
  }

  async published(): Promise<KubeObject | null> {
    return plane.api.get(TYPES.configMaps, { namespace: this.home, name: BOUNDARY_CONFIG_MAP });
  }

  /** Condition types to `status reason`. */
  async conditions(type: ResourceType, name: string): Promise<Record<string, string>> {
    const object = await plane.api.get(type, { namespace: this.team, name });
    const { conditions = [] } = (object?.["status"] ?? {}) as { conditions?: { type: string; status: string; reason: string; observedGeneration: number }[] };
    return Object.fromEntries(conditions.filter(({ observedGeneration }) => observedGeneration === object?.metadata.generation).map((one) => [one.type, `${one.status} ${one.reason}`]));
  }
}

describe.skipIf(programs === null)("the keeper of the boundary, level 1 (npm run verify:cluster builds it)", () => {
  let scene: Scene;
  let running: Promise<void>;

  beforeAll(async () => {
    plane = await startControlPlane({ level: 1 });
    await installKinds(plane);
  });
  afterAll(async () => plane?.stop());
  beforeEach(async () => {
    scene = new Scene(plane.api);
    await plane.createNamespace(scene.team);
    await plane.createNamespace(scene.home);
    running = scene.run();
  });
  afterEach(async () => {
    scene.stop.abort();
    await running;
  });

  /** Everything of a team in order. */
  async function aTeam(): Promise<void> {
    await scene.apply(TYPES.credentialGrants, "github", A_GRANT);
    await scene.apply(TYPES.budgets, "daily", A_BUDGET);
    await scene.apply(TYPES.egressPolicies, "web", HOST);
    await scene.apply(TYPES.agents, "reviewer", { policies: ["web"], grants: ["github"], budgets: ["daily"] });
    await expect.poll(() => scene.conditions(TYPES.agents, "reviewer"), SOON).toMatchObject({ Ready: "True Ready" });
  }

  test("publishes what the node proxies take, and tells each resource what became of it", async () => {
    await aTeam();
    const boundary = await readBoundary(await scene.published());
    expect(boundary.set).toMatchObject({
      platform: PLATFORM, agents: { [`${scene.team}/reviewer`]: { grants: [`${scene.team}.github`, "weir.internal"], budgets: [`${scene.team}.daily`] } },
      grants: { [`${scene.team}.github`]: { credential: { path: `weir/${scene.team}/github` } } },
    });
    await expect.poll(() => scene.conditions(TYPES.egressPolicies, "web"), SOON).toEqual({ Accepted: "True Accepted", ResolvedRefs: "True ResolvedRefs", Programmed: "True Programmed" });
    await expect.poll(() => scene.conditions(TYPES.credentialGrants, "github"), SOON).toEqual({ Accepted: "True Accepted" });
    await expect.poll(() => scene.conditions(TYPES.budgets, "daily"), SOON).toEqual({ Accepted: "True Accepted" });
    expect(await plane.kubectl(["get", "wag", "-n", scene.team])).toMatch(/reviewer\s+True\s+Ready/);
  });

  test("says what is wrong by file and line, withholds the agent, and takes it back once it is mended", async ({ skip }) => {
    if (opa === null) skip("no `opa` here");
    await aTeam();
    await scene.apply(TYPES.egressPolicies, "web", { ...HOST, rego: { "hours.rego": "package weir.custom.exchange\n\ndeny contains {\"rule\": \"hours\", \"reason\": \"\", \"hint\": \"\"} if input.agent.nmae\n" } });
    await expect.poll(() => scene.conditions(TYPES.egressPolicies, "web"), SOON).toEqual({ Accepted: "False InvalidRego", Programmed: "False NotAccepted" });
    expect((await plane.api.get(TYPES.egressPolicies, { namespace: scene.team, name: "web" }))?.["status"]).toMatchObject({ problems: [{ file: "hours.rego", line: 3 }] });
    await expect.poll(() => scene.conditions(TYPES.agents, "reviewer"), SOON).toMatchObject({ Ready: "False PolicyWithheld" });
    await scene.apply(TYPES.egressPolicies, "web", HOST);
    await expect.poll(() => scene.conditions(TYPES.agents, "reviewer"), SOON).toMatchObject({ Ready: "True Ready" });
  });

  test("notices what is deleted, and says which references lead nowhere", async () => {
    await aTeam();
    await plane.api.remove(TYPES.egressPolicies, { namespace: scene.team, name: "web" });
    await expect.poll(() => scene.conditions(TYPES.agents, "reviewer"), SOON).toMatchObject({ ResolvedRefs: "False RefNotFound" });
    await plane.api.remove(TYPES.agents, { namespace: scene.team, name: "reviewer" });
    await expect.poll(async () => (await readBoundary(await scene.published())).set.agents, SOON).toEqual({});
  });

  test("makes the ConfigMap again when it is gone, and mends it when somebody wrote into it", async () => {
    await aTeam();
    const before = await scene.published();
    await plane.api.remove(TYPES.configMaps, { namespace: scene.home, name: BOUNDARY_CONFIG_MAP });
    await expect.poll(async () => (await scene.published())?.["binaryData"], SOON).toEqual(before?.["binaryData"]);
    await plane.call("PATCH", `/api/v1/namespaces/${scene.home}/configmaps/${BOUNDARY_CONFIG_MAP}`, { binaryData: { "bundle.tar.gz": "AAAA" } });
    await expect.poll(async () => (await scene.published())?.["binaryData"], SOON).toEqual(before?.["binaryData"]);
  });

  test("leaves alone what others say in the same status, and others what it says", async () => {
    await aTeam();
    const status = { apiVersion: "weir.dev/v1alpha1", kind: "Agent", metadata: { name: "reviewer", namespace: scene.team }, status: { instances: 3, threads: 5 } };
    await plane.api.apply(TYPES.agents, status, { fieldManager: "weir-controller-reconcile", force: false, subresource: "status" });
    await scene.apply(TYPES.agents, "reviewer", { policies: ["web"], grants: ["github"], budgets: ["daily"], idleTimeout: "10m" });
    await expect.poll(() => scene.conditions(TYPES.agents, "reviewer"), SOON).toMatchObject({ Ready: "True Ready" });
    expect((await plane.api.get(TYPES.agents, { namespace: scene.team, name: "reviewer" }))?.["status"]).toMatchObject({ instances: 3, threads: 5 });
    const rival = { ...status, status: { conditions: [{ type: "Ready", status: "False", reason: "Rival", message: "", lastTransitionTime: "2030-01-01T00:00:00Z" }] } };
    await expect(plane.api.apply(TYPES.agents, rival, { fieldManager: "rival", force: false, subresource: "status" })).rejects.toMatchObject({ status: 409 });
  });

  test("writes nothing while nothing changes", async () => {
    await aTeam();
    await expect.poll(async () => (await new BoundaryKeeper(scene.deps).pass(scene.stop.signal)).statusWrites, SOON).toBe(0);
    const before = await scene.published();
    expect(await new BoundaryKeeper(scene.deps).pass(scene.stop.signal)).toMatchObject({ wasPublished: false, statusWrites: 0 });
    expect((await scene.published())?.metadata.resourceVersion).toBe(before?.metadata.resourceVersion);
  });

  test("does not replace what came after it looked: of two, the slower one fails", async () => {
    await aTeam();
    const slow = new BoundaryKeeper({ ...scene.deps, platform: null, api: { ...delegating(plane.api), get: async (type, ref, signal) => {
      const seen = await plane.api.get(type, ref, signal);
      await plane.call("PATCH", `/api/v1/namespaces/${scene.home}/configmaps/${BOUNDARY_CONFIG_MAP}`, { metadata: { annotations: { later: "yes" } } });
      return seen;
    } } });
    await expect(slow.pass(scene.stop.signal)).rejects.toMatchObject({ status: 409 });
    expect((await readBoundary(await scene.published())).set.platform).toEqual(PLATFORM);
  });

  test("does not make an object anew that was deleted before its status is written", async () => {
    await aTeam();
    scene.stop.abort();
    await running;
    await plane.api.remove(TYPES.budgets, { namespace: scene.team, name: "daily" });
    const list = () => scene.deps.informers.budgets.list().map((object) => ({ ...object, status: {} }));
    const budgets = { ...scene.deps.informers.budgets, list } as typeof scene.deps.informers.budgets;
    expect(await new BoundaryKeeper({ ...scene.deps, informers: { ...scene.deps.informers, budgets } }).pass(new AbortController().signal)).toMatchObject({ wasPublished: false });
    expect(await plane.api.get(TYPES.budgets, { namespace: scene.team, name: "daily" })).toBeNull();
  });
});

/** The same API; classes keep their methods on the prototype, which a spread does not copy. */
function delegating(api: KubeApi): KubeApi {
  return {
    get: (...args) => api.get(...args), list: (...args) => api.list(...args), create: (...args) => api.create(...args), replace: (...args) => api.replace(...args), apply: (...args) => api.apply(...args),
    remove: (...args) => api.remove(...args), watch: (...args) => api.watch(...args), post: (...args) => api.post(...args), read: (...args) => api.read(...args), close: () => api.close(),
  };
}
