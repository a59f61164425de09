import { expect, test } from "vitest";
import { KubeError } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { silentLog } from "../../../../common/log.ts";
import { nodeConfig } from "../../../../init/node/config.ts";
import { startNodeRules } from "../../../../init/node/main.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";

const config = nodeConfig.parse({ nodeName: "node-1", hostAddresses: "10.0.0.1" });

test("the node's agent does not start where the boundary has no address, nor without the right to ask for it", async () => {
  await expect(startNodeRules(config, new MemoryKubeApi(), silentLog)).rejects.toMatchObject({ exitCode: 78, message: expect.stringContaining("no Service weir-proxy") as string });
  const forbidden = new MemoryKubeApi();
  forbidden.failNext("get services", new KubeError(403, "Forbidden", "services is forbidden"));
  await expect(startNodeRules(config, forbidden, silentLog)).rejects.toMatchObject({ exitCode: 69, hint: expect.stringContaining("roles") as string });
});

test("it watches the governed pods of its own node, and stops", async () => {
  const kube = new MemoryKubeApi();
  await kube.create(TYPES.services, { metadata: { name: "weir-proxy", namespace: "weir-system" }, spec: { clusterIPs: ["10.79.96.7"], ports: [{ port: 15_008 }] } });
  const watching = kube.seen("watch pods");
  const running = await startNodeRules(config, kube, silentLog);
  await watching;
  await expect.poll(() => [running.adminUrl, kube.openWatches]).toEqual([null, 1]);
  await running.stop();
  expect(kube.openWatches).toBe(0);
});

test.each([["no address of the node", { hostAddresses: "" }], ["a name for an address", { hostAddresses: "node-1" }], ["a folder relative to somewhere", { namespacesDirectory: "netns" }]])("settings with %s are refused", (_name, changes) => {
  expect(nodeConfig.safeParse({ nodeName: "node-1", hostAddresses: "10.0.0.1", ...changes }).success).toBe(false);
});
