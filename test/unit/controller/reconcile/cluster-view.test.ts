import { beforeEach, describe, expect, test } from "vitest";
import type { KubeObject } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { ClusterView, keyOf, refOf } from "../../../../controller/reconcile/cluster-view.ts";
import { stampClaim, stampPod } from "../../../../controller/reconcile/owned-objects.ts";
import { MemoryCluster } from "../../../support/memory-cluster.ts";
import { aThread, FINGERPRINT, NOW_MS } from "../../../support/thread-facts.ts";

const START = { fingerprint: FINGERPRINT, oldestUnreadMs: null, madeAtMs: NOW_MS };
let cluster: MemoryCluster;
let view: ClusterView;
let told: string[];

beforeEach(async () => {
  cluster = new MemoryCluster(() => NOW_MS);
  told = [];
  view = new ClusterView((type, query, select) => cluster.informer(type, query, select), {
    threadChanged: (key) => { told.push(`thread ${key}`); },
    agentChanged: (key) => { told.push(`agent ${key}`); },
    podSeen: (key, agentKey) => { told.push(`pod of ${key} under ${agentKey}`); },
  });
  void view.run(new AbortController().signal);
  await view.synced(new AbortController().signal);
});

const thread = async (name: string, agent = "helper"): Promise<KubeObject> =>
  cluster.create(TYPES.threads, { metadata: { name, namespace: "team" }, spec: { agent, user: "ada" } });
const pod = async (name: string): Promise<KubeObject> =>
  cluster.create(TYPES.pods, { ...stampPod({ metadata: { name: "" } }, aThread({}, { name }), START), spec: { containers: [] } });

test("a key is namespace and name, and back", () => {
  expect([keyOf({ namespace: "team", name: "one" }), refOf("team/one")]).toEqual(["team/one", { namespace: "team", name: "one" }]);
});

describe("threads", () => {
  test("are found by key, by UID and by agent", async () => {
    const made = await thread("one");
    expect([view.threadKeys(), view.keyOfUid(made.metadata.uid ?? ""), [...view.threadsOf("team/helper")]]).toEqual([["team/one"], "team/one", ["team/one"]]);
    expect(view.thread("team/one")?.reading).toMatchObject({ isReadable: true });
    expect(told).toEqual(["thread team/one"]);
  });

  test("that are gone are found no more", async () => {
    const made = await thread("one");
    cluster.end(TYPES.threads, made.metadata);
    expect([view.threadKeys(), view.keyOfUid(made.metadata.uid ?? ""), view.thread("team/one"), view.threadsOf("team/helper").size]).toEqual([[], undefined, null, 0]);
  });

  test("whose name another takes leave nothing under their UID", async () => {
    const first = await thread("one");
    cluster.end(TYPES.threads, first.metadata);
    const second = await thread("one", "other");
    expect([view.keyOfUid(first.metadata.uid ?? ""), view.keyOfUid(second.metadata.uid ?? "")]).toEqual([undefined, "team/one"]);
    expect([view.threadsOf("team/helper").size, view.threadsOf("team/other").size]).toEqual([0, 1]);
  });

  test("that a newer version wrote are there, and cannot be read", async () => {
    await cluster.create(TYPES.threads, { metadata: { name: "new", namespace: "team" }, spec: { agent: 7 } });
    expect(view.thread("team/new")?.reading.isReadable).toBe(false);
  });
});

describe("agents", () => {
  test("are missing, present or unreadable", async () => {
    expect(view.agent("team/helper")).toEqual({ kind: "missing" });
    await cluster.create(TYPES.agents, { metadata: { name: "helper", namespace: "team" }, spec: { image: "x" } });
    expect(view.agent("team/helper")).toMatchObject({ kind: "present", agent: { spec: { image: "x" } } });
    await cluster.create(TYPES.agents, { metadata: { name: "odd", namespace: "team" }, spec: { image: 7 } });
    expect(view.agent("team/odd")).toMatchObject({ kind: "unreadable", problem: expect.stringContaining("image") });
    expect(told).toEqual(["agent team/helper", "agent team/odd"]);
  });

  test("that are being deleted are missing already: nothing new begins under them", async () => {
    await cluster.create(TYPES.agents, { metadata: { name: "helper", namespace: "team", finalizers: ["theirs"] }, spec: { image: "x" } });
    cluster.change(TYPES.agents, { namespace: "team", name: "helper" }, (object) => ({ ...object, metadata: { ...object.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } }));
    expect(view.agent("team/helper")).toEqual({ kind: "missing" });
  });
});

describe("pods and claims", () => {
  test("a pod is its thread's, without what nobody asks of it", async () => {
    await pod("one");
    expect(view.pod("team/one")).toMatchObject({ metadata: { name: "weir-one" } });
    expect(view.pod("team/one")).not.toHaveProperty("spec");
    expect(told).toEqual(["pod of team/one under team/helper", "thread team/one"]);
  });

  test("the end of a pod is told to its thread", async () => {
    const made = await pod("one");
    told = [];
    cluster.end(TYPES.pods, made.metadata);
    expect([told, view.pod("team/one")]).toEqual([["thread team/one"], null]);
  });

  test("a pod under another name is nobody's, whatever its labels say", async () => {
    const made = stampPod({ metadata: { name: "" } }, aThread(), START);
    await cluster.create(TYPES.pods, { ...made, metadata: { ...made.metadata, name: "mine" } });
    expect([told, view.pod("team/one")]).toEqual([[], null]);
  });

  test("claims are found by their thread until they are gone", async () => {
    const made = await cluster.create(TYPES.claims, stampClaim({ metadata: { name: "weir-one.work" } }, aThread()));
    expect(view.claims("team/one")).toHaveLength(1);
    cluster.end(TYPES.claims, made.metadata);
    expect([view.claims("team/one"), told]).toEqual([[], ["thread team/one", "thread team/one"]]);
  });
});
