import { expect, test } from "vitest";
import type { ApplyOptions, KubeObject } from "../../../../common/kube/kube-api.ts";
import { writeAgentStatus } from "../../../../controller/reconcile/agent-status.ts";
import { MemoryCluster } from "../../../support/memory-cluster.ts";
import { NOW_MS } from "../../../support/thread-facts.ts";

const NEVER = new AbortController().signal;
const AGENT: KubeObject = { metadata: { name: "helper", namespace: "team", uid: "agent-1" } };

async function written(object: KubeObject | undefined): Promise<readonly (readonly [KubeObject, ApplyOptions])[]> {
  const kube = new MemoryCluster(() => NOW_MS);
  const writes: (readonly [KubeObject, ApplyOptions])[] = [];
  kube.apply = async (_type, applied, options) => {
    writes.push([applied, options]);
    return applied;
  };
  await writeAgentStatus("team/helper", { view: { agentObject: () => object, threadsOf: () => new Set(["team/a", "team/b"]) }, fleet: { instancesOf: () => 1 }, kube }, NEVER);
  return writes;
}

test("counts go to the status of this very Agent, by a manager of their own", async () => {
  expect(await written(AGENT)).toEqual([[
    expect.objectContaining({ metadata: { name: "helper", namespace: "team", uid: "agent-1" }, status: { instances: 1, threads: 2 } }),
    expect.objectContaining({ subresource: "status", fieldManager: expect.stringContaining("reconcile") }),
  ]]);
});

test("a status that says so already is not written", async () => {
  expect(await written({ ...AGENT, status: { instances: 1, threads: 2 } })).toEqual([]);
});

test("an Agent that is gone has no status", async () => {
  expect(await written(undefined)).toEqual([]);
});
