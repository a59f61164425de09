import { describe, expect, test } from "vitest";
import { explainThread } from "../../../../cli/cluster/explain-thread.ts";
import { KubeError } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { aCluster, aCondition, type SeenCluster } from "../../../support/seen-cluster.ts";

async function aSleepingThread(status: object = {}): Promise<SeenCluster> {
  const cluster = aCluster();
  await cluster.add(TYPES.agents, "reviewer", { spec: { image: "i" }, status: { conditions: [aCondition("Accepted", "True"), aCondition("Ready", "False", "RefNotFound", "not found: p")] } });
  await cluster.add(TYPES.threads, "t", { spec: { agent: "reviewer", user: "alice" }, status });
  return cluster;
}

describe("why a thread has no instance", () => {
  test.each([
    ["IdleTimeout", "Nothing is wrong: the next message starts it"], ["AgentAtMaximum", "Raise `instances.max`"], ["ImagePullFailed", "Mend the Agent's image"], ["SomethingNew", "A changed Agent is tried at once"],
  ])("%s comes with what to do", async (reason, hint) => {
    const cluster = await aSleepingThread({ phase: "Idle", conditions: [aCondition("Started", "False", reason, "words")] });
    expect(await explainThread(cluster, "t")).toMatchObject({ phase: "Idle", reason, message: "words", hint: expect.stringContaining(hint), instance: null });
  });

  test("includes what its Agent says that is not so", async () => {
    const told = await explainThread(await aSleepingThread({ phase: "Waiting" }), "t");
    expect(told.agentConditions).toMatchObject([{ type: "Ready", message: "not found: p" }]);
  });

  test("is that nobody has looked at it yet", async () => {
    expect(await explainThread(await aSleepingThread(), "t")).toMatchObject({ phase: "not looked at yet", reason: "Pending", hint: expect.stringContaining("weir doctor --cluster") });
  });

  test("includes kubelet's words about the pod's containers", async () => {
    const cluster = await aSleepingThread({ phase: "Starting", instance: "weir-t", attempts: 2, nextAttemptAt: "2026-01-01T00:01:00Z", conditions: [aCondition("Started", "False", "Starting")] });
    const status = {
      initContainerStatuses: [{ name: "weir-init", state: { terminated: { exitCode: 0, reason: "Completed" } } }],
      containerStatuses: [{ name: "agent", state: { waiting: { reason: "ImagePullBackOff", message: "no such image" } } }, { name: "files", state: { terminated: { exitCode: 3, reason: "Error" } } }],
    };
    await cluster.add(TYPES.pods, "weir-t", { status });
    expect(await explainThread(cluster, "t")).toMatchObject({
      instance: "weir-t", attempts: 2, nextAttemptAt: "2026-01-01T00:01:00Z", containers: ["agent: ImagePullBackOff: no such image", "files: Error (exit code 3)"],
    });
  });

  test("is told also to those who may see neither Agents nor pods", async () => {
    const cluster = await aSleepingThread({ phase: "Running", instance: "weir-t", conditions: [aCondition("Started", "True", "Serving")] });
    for (const call of ["get agents", "get pods"]) cluster.api.failNext(call, new KubeError(403, "Forbidden", "may not"));
    expect(await explainThread(cluster, "t")).toMatchObject({ reason: "Serving", message: "it has an instance that runs", hint: "", agentConditions: [], containers: [] });
  });

  test("of a thread that is not there is an error that says where to look", async () => {
    await expect(explainThread(aCluster(), "t")).rejects.toMatchObject({ message: "there is no Thread team/t", hint: expect.stringContaining("weir threads ls") });
  });
});
