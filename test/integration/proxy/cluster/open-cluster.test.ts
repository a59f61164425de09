import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../../common/clock.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { Lifecycle } from "../../../../common/lifecycle.ts";
import { silentLog } from "../../../../common/log.ts";
import { clusterConfig } from "../../../../proxy/cluster/config.ts";
import { openCluster, type Cluster } from "../../../../proxy/cluster/open-cluster.ts";
import { aPod } from "../../../support/governed-pods.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";
import { eventually } from "../../../support/whole-proxy.ts";

const CONTROLLER = { tokenFile: "/nowhere/token", caFile: "/nowhere/ca.pem" };
const PLACE = { WEIR_NODE_NAME: "n1", WEIR_NAMESPACE: "weir-system" };
let stateDirectory: string;
let lifecycle: Lifecycle;
let api: MemoryKubeApi;
beforeEach(() => {
  stateDirectory = mkdtempSync(join(tmpdir(), "weir-open-"));
  lifecycle = new Lifecycle(silentLog);
  api = new MemoryKubeApi();
});
afterEach(async () => {
  await lifecycle.stop(1_000);
  rmSync(stateDirectory, { recursive: true });
});

async function open(environment: Record<string, string>, config: object = {}): Promise<Cluster> {
  const context = { log: silentLog, clock: systemClock, environment, stateDirectory, lifecycle, onEvent: () => {}, kubeApi: api };
  return openCluster(clusterConfig.parse({ controller: CONTROLLER, ...config }), context);
}

const NO_ROOMS: Parameters<Cluster["start"]>[0] = {
  policy: { adopt: async (_bundle, together) => { together(); } }, credentials: { prepare: () => ({ problems: [], apply: () => {} }), endInstance: async () => {} },
  budget: { prepare: () => ({ problems: [], apply: () => {} }) }, live: { endWhere: () => {} }, names: { forget: () => {} },
  upstream: { pin: () => {}, closeInstance: async () => {} },
};

describe("a node proxy's side of the cluster", () => {
  test("asks nothing of the API server before it is started", async () => {
    await open(PLACE);
    expect(api.requests).toEqual([]);
  });

  test("watches the pods of its own node, and the one ConfigMap of its own namespace", async () => {
    await api.create(TYPES.pods, aPod({ ips: ["10.1.2.3"] }));
    await api.create(TYPES.pods, aPod({ name: "elsewhere", uid: "1b6c2f1e-58a7-4d7f-9f5a-6f1f0a1b2c3d", node: "n2", ips: ["10.1.2.4"] }));
    const cluster = await open(PLACE);
    expect(cluster.isReady).toBe(false);
    await cluster.start(NO_ROOMS);
    await eventually("the pod is known", () => cluster.isAgentAddress("10.1.2.3"));
    expect(cluster.isAgentAddress("10.1.2.4")).toBe(false);
    expect(cluster.isReady).toBe(false);
    expect(cluster.boundary).toEqual({ revision: null, agents: 0, platform: null, trouble: null });
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ["node", { WEIR_NAMESPACE: "weir-system" }, /does not know its nodeName/],
    ["namespace", { WEIR_NODE_NAME: "n1", WEIR_NAMESPACE: "" }, /does not know its namespace/],
  ])("does not guess its %s", async (_what, environment, why) => {
    await expect(open(environment)).rejects.toThrow(why);
    await open(environment, { nodeName: "n1", namespace: "weir-system" });
  });
});
