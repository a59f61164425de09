import { beforeEach, describe, expect, test } from "vitest";
import { FINALIZER } from "../../../../common/labels.ts";
import { KubeError, type KubeObject } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { apply } from "../../../../controller/reconcile/apply.ts";
import type { Action } from "../../../../controller/reconcile/diff.ts";
import { claimNameOf } from "../../../../controller/reconcile/names.ts";
import { PodUnfit } from "../../../../controller/reconcile/ports.ts";
import { volumeClaims } from "../../../../controller/pods/volume-claims.ts";
import { thread as threadSchema } from "../../../../controller/resources/thread.ts";
import { MemoryCluster } from "../../../support/memory-cluster.ts";
import { MemoryThreadStore } from "../../../support/memory-thread-store.ts";
import { TestClock } from "../../../support/test-clock.ts";
import { anAgent, FINGERPRINT, NOW_MS } from "../../../support/thread-facts.ts";

const NEVER = new AbortController().signal;
const CREATE: Action = { kind: "create-pod", start: { fingerprint: FINGERPRINT, oldestUnreadMs: NOW_MS, madeAtMs: NOW_MS } };
const AGENT = anAgent({ volumes: [{ name: "work", mountPath: "/work" }] });
let cluster: MemoryCluster;
let store: MemoryThreadStore;
let object: KubeObject;
let events: string[];
let unfit: string | null;

beforeEach(async () => {
  cluster = new MemoryCluster(() => NOW_MS);
  store = new MemoryThreadStore();
  events = [];
  unfit = null;
  object = await cluster.create(TYPES.threads, { metadata: { name: "one", namespace: "team" }, spec: { agent: "helper", user: "ada" } });
});

async function act(...actions: readonly Action[]) {
  return apply(actions, { object, thread: threadSchema.parse(object), agent: AGENT }, {
    kube: cluster, store, clock: new TestClock(),
    instancePod: () => {
      if (unfit !== null) throw new PodUnfit(unfit);
      return { metadata: { name: "" }, spec: {} };
    },
    volumeClaims: (thread, agent) => volumeClaims(thread, agent, (volume) => claimNameOf(thread.metadata.name, volume)),
    record: (_object, { reason, note }) => { events.push(`${reason}: ${note}`); },
    metrics: { queueDepth() {}, reconciled() {}, acted() {}, signalToPod() {} },
  }, NEVER);
}

const uid = () => object.metadata.uid ?? "";
const refuse = (status: number) => { cluster.create = async () => { throw new KubeError(status, "Refused", "exceeded quota"); }; };

describe("a pod", () => {
  test("is made once; the second time it is there", async () => {
    expect(await act(CREATE)).toEqual({ kind: "done" });
    expect(await act(CREATE)).toEqual({ kind: "done" });
    expect([cluster.all(TYPES.pods).length, events]).toEqual([1, ["InstanceCreated: a message waits for helper"]]);
  });

  test("of somebody else under the name is an obstacle", async () => {
    await cluster.create(TYPES.pods, { metadata: { name: "weir-one", namespace: "team" } });
    expect(await act(CREATE)).toMatchObject({ kind: "obstacle", message: expect.stringContaining("weir-one") });
  });

  test.each([400, 403, 422])("that the API server refuses with %d is a failed start", async (status) => {
    refuse(status);
    expect(await act(CREATE)).toEqual({ kind: "rejected" });
    expect(await store.startAttempts(uid())).toMatchObject({ failures: 1, reason: "PodRejected: exceeded quota", fingerprint: FINGERPRINT });
  });

  test.each([0, 409, 429, 500, 503])("that the API server does not take with %d is trouble, and no failed start", async (status) => {
    refuse(status);
    await expect(act(CREATE)).rejects.toThrow("exceeded quota");
    expect(await store.startAttempts(uid())).toBeNull();
  });

  test("that cannot be put together is a failed start", async () => {
    unfit = "MCP server agent: the name is taken.";
    expect(await act(CREATE)).toEqual({ kind: "rejected" });
    expect(events).toEqual(["ConfigInvalid: MCP server agent: the name is taken."]);
  });

  test("is removed by its UID; another of the name stays", async () => {
    await act(CREATE);
    const stop = { kind: "delete-pod", name: "weir-one", reason: "IdleTimeout", message: "not used for 5m" } as const;
    await act({ ...stop, uid: "another" });
    expect(cluster.all(TYPES.pods)).toHaveLength(1);
    await act({ ...stop, uid: cluster.all(TYPES.pods)[0]?.metadata.uid ?? "" });
    expect([cluster.all(TYPES.pods).length, events.at(-1)]).toEqual([0, "InstanceStopped: IdleTimeout: not used for 5m"]);
  });
});

describe("a claim", () => {
  const claim: Action = { kind: "create-claim", name: "weir-one.work", volume: "work" };

  test("is made once", async () => {
    expect([await act(claim), await act(claim)]).toEqual([{ kind: "done" }, { kind: "done" }]);
    expect(cluster.all(TYPES.claims)).toHaveLength(1);
  });

  test("of somebody else under the name is an obstacle, and no pod follows", async () => {
    await cluster.create(TYPES.claims, { metadata: { name: "weir-one.work", namespace: "team" } });
    expect(await act(claim, CREATE)).toMatchObject({ kind: "obstacle" });
    expect(cluster.all(TYPES.pods)).toEqual([]);
  });
});

describe("the finalizer", () => {
  test("is put on this very thread", async () => {
    await act({ kind: "add-finalizer" });
    expect(cluster.all(TYPES.threads)[0]?.metadata.finalizers).toEqual([FINALIZER]);
  });

  test("goes, and those of others stay", async () => {
    cluster.change(TYPES.threads, object.metadata, (known) => ({ ...known, metadata: { ...known.metadata, finalizers: ["theirs", FINALIZER] } }));
    await act({ kind: "remove-finalizer" });
    expect(cluster.all(TYPES.threads)[0]?.metadata.finalizers).toEqual(["theirs"]);
  });

  test("of another thread of the name stays", async () => {
    cluster.end(TYPES.threads, object.metadata);
    await cluster.create(TYPES.threads, { ...object, metadata: { name: "one", namespace: "team", finalizers: [FINALIZER] } });
    await act({ kind: "remove-finalizer" });
    expect(cluster.all(TYPES.threads)[0]?.metadata.finalizers).toEqual([FINALIZER]);
  });
});

test("an instance ahead of its first message counts as use, and its event says why", async () => {
  await act({ kind: "ensure-row" }, { ...CREATE, start: { ...CREATE.start, oldestUnreadMs: null } }, { kind: "note-use", atMs: NOW_MS });
  expect([(await store.demand(uid())).lastActivityMs, events]).toEqual([NOW_MS, ["InstanceCreated: kept warm for helper"]]);
});

test("actions stop at the first that fails", async () => {
  cluster.fault = (what) => (what.startsWith("apply threads") ? "before" : null);
  await expect(act({ kind: "add-finalizer" }, { kind: "ensure-row" })).rejects.toThrow(/./);
  expect(store.has(uid())).toBe(false);
});

test("what is forgotten is gone, and failed starts can be cleared", async () => {
  await act({ kind: "ensure-row" }, { kind: "note-failed-start", failure: { reason: "CrashLoop", message: "x" }, line: "CrashLoop: x", fingerprint: FINGERPRINT });
  expect(await store.startAttempts(uid())).toMatchObject({ failures: 1 });
  await act({ kind: "clear-starts" });
  expect(await store.startAttempts(uid())).toBeNull();
  await act({ kind: "forget-row" });
  expect(store.has(uid())).toBe(false);
});
