import { expect, test } from "vitest";
import type { Person } from "../../../../controller/access/access.ts";
import { accessConfig } from "../../../../controller/access/config.ts";
import { KubernetesRights } from "../../../../controller/access/kubernetes-rights.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";
import { TestClock } from "../../../support/test-clock.ts";

const PATH = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
const alice: Person = { kind: "person", name: "alice", groups: ["team"], isOfKubernetes: true };

function stand(status: unknown) {
  const kube = new MemoryKubeApi();
  const asked: unknown[] = [];
  kube.answers.set(PATH, (body) => {
    asked.push((body as { spec: unknown }).spec);
    return { status };
  });
  const clock = new TestClock();
  return { kube, asked, clock, rights: new KubernetesRights(kube, accessConfig.parse({ tokenCacheMs: 10_000 }), () => clock.monotonicMs()) };
}

test("Kubernetes is asked who may create threads in that namespace, and only a plain yes is one", async () => {
  const { rights, asked } = stand({ allowed: true });
  expect(await rights.allows(alice, "agent.open", "ns")).toBe(true);
  expect(asked).toEqual([{ user: "alice", groups: ["team"], resourceAttributes: { group: "weir.dev", version: "v1alpha1", resource: "threads", verb: "create", namespace: "ns" } }]);
  expect(await stand({ allowed: false }).rights.allows(alice, "agent.open", "ns")).toBe(false);
  expect(await stand({ allowed: true, denied: true }).rights.allows(alice, "agent.open", "ns")).toBe(false);
});

test("budgets ask for the right to list or to change them", async () => {
  const { rights, asked } = stand({ allowed: true });
  expect(await rights.allows(alice, "budget.read", "ns")).toBe(true);
  expect(await rights.allows(alice, "budget.adjust", "")).toBe(true);
  const right = { group: "weir.dev", version: "v1alpha1", resource: "budgets" };
  expect(asked).toEqual([
    { user: "alice", groups: ["team"], resourceAttributes: { ...right, verb: "list", namespace: "ns" } },
    { user: "alice", groups: ["team"], resourceAttributes: { ...right, verb: "update", namespace: "" } },
  ]);
});

test.each([["text", { allowed: "true" }], ["nothing", {}], ["no status", undefined]])("%s for an answer is unavailable, never a yes", async (_, status) => {
  await expect(stand(status).rights.allows(alice, "agent.open", "ns")).rejects.toMatchObject({ name: "AccessUnavailable" });
});

test("somebody whom Kubernetes does not know is not asked for, whatever the name looks like", async () => {
  const { rights, asked } = stand({ allowed: true });
  expect(await rights.allows({ ...alice, isOfKubernetes: false }, "agent.open", "ns")).toBe(false);
  expect(asked).toEqual([]);
});

test("the answer is kept for a while, for this name with these groups in this namespace", async () => {
  const { rights, asked, clock } = stand({ allowed: true });
  for (let index = 0; index < 3; index += 1) await rights.allows(alice, "agent.open", "ns");
  expect(asked).toHaveLength(1);
  await rights.allows(alice, "agent.open", "other");
  await rights.allows({ ...alice, groups: [] }, "agent.open", "ns");
  expect(asked).toHaveLength(3);
  clock.advance(10_001);
  await rights.allows(alice, "agent.open", "ns");
  expect(asked).toHaveLength(4);
});

test("a review that failed is asked for again", async () => {
  const { rights, kube } = stand({ allowed: true });
  kube.failNext("post", new Error("down"));
  await expect(rights.allows(alice, "agent.open", "ns")).rejects.toMatchObject({ name: "AccessUnavailable" });
  expect(await rights.allows(alice, "agent.open", "ns")).toBe(true);
});
