import { expect, test } from "vitest";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { serviceAddress } from "../../../../common/kube/service-address.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";

const service = (spec: object) => ({ metadata: { name: "weir-proxy", namespace: "weir" }, spec });

test("a service is reached at its cluster addresses and its first port", async () => {
  const kube = new MemoryKubeApi();
  await kube.create(TYPES.services, service({ clusterIPs: ["10.79.96.7", "fd00::7"], ports: [{ name: "boundary", port: 15_008 }] }));
  expect(await serviceAddress(kube, "weir", "weir-proxy")).toEqual({ addresses: ["10.79.96.7", "fd00::7"], port: 15_008 });
});

test.each([["has no address of its own", { clusterIPs: ["None"], ports: [{ port: 1 }] }], ["has no port", { clusterIPs: ["10.79.96.7"], ports: [] }]])("a service that %s is none", async (_name, spec) => {
  const kube = new MemoryKubeApi();
  await kube.create(TYPES.services, service(spec));
  await expect(serviceAddress(kube, "weir", "weir-proxy")).rejects.toThrow("there is no Service weir-proxy with a cluster address in namespace weir");
});
