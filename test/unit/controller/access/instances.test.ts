import { describe, expect, test } from "vitest";
import type { KubeObject } from "../../../../common/kube/kube-api.ts";
import type { ClusterObjects } from "../../../../controller/access/cluster-objects.ts";
import { provenInstance, readInstanceClaim } from "../../../../controller/access/instances.ts";
import { TestClock } from "../../../support/test-clock.ts";

const clock = new TestClock();
const SAID = { namespace: "ns", pod: "weir-t", uid: "p1", container: null };
const thread: KubeObject = { metadata: { namespace: "ns", name: "t", uid: "t1" }, spec: { agent: "a", user: "alice", chain: ["ns/b/c"], grants: ["g"] } };

function aPod(over: { metadata?: object; spec?: object; status?: object } = {}): KubeObject {
  return {
    metadata: {
      namespace: "ns", name: "weir-t", uid: "p1", labels: { "weir.dev/agent": "a", "weir.dev/thread": "t" },
      ownerReferences: [{ apiVersion: "weir.dev/v1alpha1", kind: "Thread", name: "t", uid: "t1" }], ...over.metadata,
    },
    spec: { nodeName: "n1", ...over.spec }, status: { phase: "Running", ...over.status },
  };
}

function objects(pod: KubeObject | null, served: KubeObject | null = thread): ClusterObjects {
  return {
    pod: async ({ namespace, name }) => (namespace === "ns" && name === "weir-t" ? pod : null),
    thread: async ({ namespace, name }) => (namespace === "ns" && name === "t" ? served : null),
    agent: async () => null, agents: async () => [],
  };
}

const proven = async (pod: KubeObject | null, served: KubeObject | null = thread, node = "n1") => provenInstance(SAID, node, { objects: objects(pod, served), clock });

describe("an instance", () => {
  test("is what the cluster says of the pod, with the thread that it serves", async () => {
    expect(await proven(aPod())).toEqual({
      kind: "instance", namespace: "ns", pod: "weir-t", podUid: "p1", node: "n1", agent: "a", container: null,
      thread: { uid: "t1", name: "t", user: "alice", chain: ["ns/b/c"], grants: ["g"], allowance: null, chainAllowances: [] },
    });
  });

  test("without a thread serves none", async () => {
    expect(await proven(aPod({ metadata: { labels: { "weir.dev/agent": "a" } } }))).toMatchObject({ thread: null });
  });

  test.each([
    ["that is not there", null, thread, "instance.unknown"],
    ["with another UID", aPod({ metadata: { uid: "p2" } }), thread, "instance.unknown"],
    ["on another node", aPod({ spec: { nodeName: "n2" } }), thread, "instance.other-node"],
    ["on no node yet", aPod({ spec: { nodeName: undefined } }), thread, "instance.other-node"],
    ["that succeeded", aPod({ status: { phase: "Succeeded" } }), thread, "instance.gone"],
    ["that failed", aPod({ status: { phase: "Failed" } }), thread, "instance.gone"],
    ["whose grace is over", aPod({ metadata: { deletionTimestamp: new Date(clock.nowMs() - 1).toISOString() } }), thread, "instance.gone"],
    ["of no agent", aPod({ metadata: { labels: {} } }), thread, "instance.ungoverned"],
    ["whose thread is gone", aPod(), null, "instance.no-such-thread"],
    ["of an earlier thread of that name", aPod(), { ...thread, metadata: { ...thread.metadata, uid: "t2" } }, "instance.no-such-thread"],
    ["that no thread owns", aPod({ metadata: { ownerReferences: [] } }), thread, "instance.no-such-thread"],
    ["that another kind of thread owns", aPod({ metadata: { ownerReferences: [{ apiVersion: "evil.dev/v1", kind: "Thread", uid: "t1" }] } }), thread, "instance.no-such-thread"],
    ["of another agent than its thread's", aPod({ metadata: { labels: { "weir.dev/agent": "b", "weir.dev/thread": "t" } } }), thread, "instance.no-such-thread"],
  ])("%s is none", async (_, pod, served, rule) => {
    await expect(proven(pod, served)).rejects.toMatchObject({ name: "AccessRefused", rule, kind: rule === "instance.no-such-thread" ? "gone" : "unauthenticated" });
  });

  test("that is being deleted lives until its grace is over", async () => {
    expect(await proven(aPod({ metadata: { deletionTimestamp: new Date(clock.nowMs() + 1_000).toISOString() } }))).toMatchObject({ podUid: "p1" });
  });
});

describe("the instance header", () => {
  const encoded = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

  test("names pod and container", () => {
    expect(readInstanceClaim(encoded({ namespace: "ns", pod: "p", uid: "u", container: "tool" }))).toEqual({ namespace: "ns", pod: "p", uid: "u", container: "tool" });
    expect(readInstanceClaim(encoded({ namespace: "ns", pod: "p", uid: "u" }))).toEqual({ namespace: "ns", pod: "p", uid: "u" });
  });

  test.each([["nothing", ""], ["no base64url", "a b"], ["two headers in one", `${encoded(SAID)}, ${encoded(SAID)}`], ["no JSON", encoded("{")], ["a key more", encoded({ ...SAID, thread: "t" })],
    ["no uid", encoded({ namespace: "ns", pod: "p" })], ["an empty name", encoded({ ...SAID, pod: "" })], ["too much", encoded({ ...SAID, pod: "x".repeat(3_000) })]])("with %s is refused", (_, header) => {
    expect(() => readInstanceClaim(header)).toThrow(expect.objectContaining({ rule: "instance.malformed" }));
  });
});
