import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { revokeOnNodes } from "../../../../cli/cluster/revoke-on-nodes.ts";
import { readEnvironment } from "../../../../common/config.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { silentLog } from "../../../../common/log.ts";
import type { RevokeRequest } from "../../../../common/operator-door.ts";
import { openOperatorDoor, type OperatorDoor } from "../../../../proxy/admin/operator-door.ts";
import { standInForKubectl, type KubectlStandIn } from "../../../support/kube/kubectl-stand-in.ts";
import { aCluster, type SeenCluster } from "../../../support/seen-cluster.ts";

const OPTIONS = { systemNamespace: "weir-system", output: "text" } as const;
const states = Object.fromEntries(["a", "b", "closed"].map((node) => [`weir-proxy-${node}`, mkdtempSync(join(tmpdir(), "weir-state-"))]));
const orders: { readonly node: string; readonly what: RevokeRequest }[] = [];
const doors: (OperatorDoor | null)[] = [];
let kubectl: KubectlStandIn;
let cluster: SeenCluster;

beforeAll(async () => {
  for (const node of ["a", "b"]) {
    const revoke = async (what: RevokeRequest) => {
      orders.push({ node, what });
      return { dropped: 2, isConfirmed: node === "a" };
    };
    doors.push(await openOperatorDoor(states[`weir-proxy-${node}`] ?? "", { revoke, usage: () => ({ threads: [] }) }, silentLog));
  }
  kubectl = standInForKubectl({ states });
  vi.stubEnv("PATH", `${kubectl.folder}:${readEnvironment()["PATH"] ?? ""}`);
  cluster = aCluster();
  for (const node of ["a", "b", "closed", "gone"]) {
    await cluster.add(TYPES.pods, `weir-proxy-${node}`, { metadata: { labels: { "app.kubernetes.io/name": "weir", "app.kubernetes.io/component": "proxy" } }, spec: { nodeName: node } }, "weir-system");
  }
});
afterAll(async () => {
  vi.unstubAllEnvs();
  kubectl.remove();
  for (const door of doors) await door?.close();
  for (const folder of Object.values(states)) rmSync(folder, { recursive: true, force: true });
});

test("an order to revoke reaches the proxy of every node, and a node that cannot be ordered is named", async () => {
  expect(await revokeOnNodes(cluster, OPTIONS, { thread: "t1" })).toEqual([
    { proxy: "a", answer: { dropped: 2, isConfirmed: true }, trouble: null },
    { proxy: "b", answer: { dropped: 2, isConfirmed: false }, trouble: null },
    { proxy: "closed", answer: null, trouble: "the proxy has no door for orders" },
    { proxy: "gone", answer: null, trouble: 'Error from server (NotFound): pods "weir-proxy-gone" not found' },
  ]);
  expect(orders.map(({ node, what }) => `${node} ${JSON.stringify(what)}`).toSorted()).toEqual(['a {"thread":"t1"}', 'b {"thread":"t1"}']);
});
