import { expect, test } from "vitest";
import type { Informer, KubeObject, ObjectRef } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { clusterObjects } from "../../../../controller/access/cluster-objects.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";

const cacheOf = (...objects: KubeObject[]): Informer => ({
  run: async () => undefined, synced: async () => undefined, onChange: () => () => undefined, lastSeenMs: 0, list: () => objects,
  get: ({ namespace, name }: ObjectRef) => objects.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
});
const named = (name: string, namespace = "ns"): KubeObject => ({ metadata: { name, namespace } });

test("what a cache has is taken from it, and what it has not heard of yet is asked of the API server", async () => {
  const kube = new MemoryKubeApi();
  await kube.create(TYPES.pods, named("new"));
  const objects = clusterObjects(kube, { pods: cacheOf(named("old")) });
  kube.requests.length = 0;
  expect(await objects.pod({ namespace: "ns", name: "old" })).toEqual(named("old"));
  expect(kube.requests).toEqual([]);
  expect(await objects.pod({ namespace: "ns", name: "new" })).toMatchObject(named("new"));
  expect(await objects.pod({ namespace: "other", name: "old" })).toBeNull();
});

test("agents are those of the namespace, with and without a cache", async () => {
  const kube = new MemoryKubeApi();
  await kube.create(TYPES.agents, named("a"));
  await kube.create(TYPES.agents, named("b", "other"));
  const names = (found: readonly KubeObject[]) => found.map(({ metadata }) => metadata.name);
  expect(names(await clusterObjects(kube).agents("ns"))).toEqual(["a"]);
  expect(names(await clusterObjects(kube, { agents: cacheOf(named("c"), named("d", "other")) }).agents("ns"))).toEqual(["c"]);
});
