import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { KubeError } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { ReconcileStage } from "../../../support/reconcile-stage.ts";

const MINUTE = 60_000;
let stage: ReconcileStage;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1, 12) });
  stage = new ReconcileStage();
});
afterEach(async () => {
  await stage.crash();
  vi.useRealTimers();
});

const pass = async (ms: number) => { await vi.advanceTimersByTimeAsync(ms); };
const settle = async () => pass(50);
const startedReason = (thread: string) => stage.statusOf(thread).conditions?.find(({ type }) => type === "Started")?.reason;

/** One agent, one thread, a controller. */
async function begin(agentSpec: Readonly<Record<string, unknown>> = {}): Promise<void> {
  await stage.agent("helper", agentSpec);
  await stage.thread("one");
  stage.start();
  await settle();
}

describe("the life of a thread", () => {
  test("a new thread is idle, known to the store and cleaned up after", async () => {
    await begin();
    expect([stage.statusOf("one").phase, stage.store.has(stage.uidOf("one")), stage.hasFinalizer("one"), stage.pod("one")]).toEqual(["Idle", true, true, undefined]);
  });

  test("a message wakes it; idleness puts it to sleep; the next message resumes with the same claims", async () => {
    await begin({ volumes: [{ name: "work", mountPath: "/work" }] });
    stage.post("one");
    await settle();
    expect(stage.statusOf("one")).toMatchObject({ phase: "Starting", unread: 1 });
    const claimUid = stage.find("claims", "weir-one.work")?.metadata.uid;
    stage.runs("one");
    await settle();
    expect(stage.statusOf("one").phase).toBe("Running");
    stage.acknowledge("one");
    await pass(5 * MINUTE - 1_000);
    expect(stage.pod("one")?.metadata.deletionTimestamp).toBeUndefined();
    await pass(2_000);
    expect([stage.pod("one")?.metadata.deletionTimestamp, stage.statusOf("one").phase]).toEqual([expect.any(String), "Stopping"]);
    stage.endPods();
    await settle();
    expect(stage.statusOf("one")).toMatchObject({ phase: "Idle", unread: 0 });
    stage.post("one");
    await settle();
    expect([stage.pod("one")?.metadata.name, stage.find("claims", "weir-one.work")?.metadata.uid]).toEqual(["weir-one", claimUid]);
  });

  test("fifty signals at once make one pod", async () => {
    await begin();
    for (let round = 0; round < 50; round += 1) stage.post("one");
    await settle();
    expect(stage.cluster.writes.filter((write) => write.startsWith("create pods"))).toHaveLength(1);
    expect(stage.latenciesMs).toHaveLength(1);
  });

  test("a message whose signal was lost is found by the next poll", async () => {
    await begin();
    stage.store.signal = () => undefined;
    stage.post("one");
    await settle();
    expect(stage.pod("one")).toBeUndefined();
    await pass(30_000);
    expect(stage.pod("one")).toBeDefined();
  });

  test("egress keeps it awake without any signal", async () => {
    await begin();
    stage.post("one");
    await settle();
    stage.runs("one");
    stage.acknowledge("one");
    await pass(4 * MINUTE);
    stage.store.touch(stage.uidOf("one"), Date.now());
    await pass(4 * MINUTE);
    expect(stage.pod("one")?.metadata.deletionTimestamp).toBeUndefined();
    await pass(2 * MINUTE);
    expect(stage.pod("one")?.metadata.deletionTimestamp).toBeDefined();
  });

  test("a runner that ends after each message is started for the next one at once", async () => {
    await begin();
    stage.post("one");
    await pass(10);
    stage.post("one");
    await settle();
    stage.runs("one");
    await pass(2_000);
    stage.acknowledge("one");
    stage.exits("one", 0);
    await settle();
    const first = stage.pod("one")?.metadata.uid;
    stage.endPods();
    await settle();
    expect([stage.pod("one")?.metadata.uid === first, stage.pod("one") === undefined, stage.statusOf("one").attempts]).toEqual([false, false, 0]);
  });
});

describe("starts that fail", () => {
  /** The pod cannot be pulled, is removed, and is gone. */
  async function failOnce(): Promise<void> {
    await settle();
    stage.cannotPull("one");
    await settle();
    stage.endPods();
    await settle();
  }

  test("are tried again after 10 s, 30 s, 1 min, 5 min, 15 min, and paused after ten", async () => {
    await begin();
    stage.post("one");
    for (const waitMs of [10_000, 30_000, MINUTE, 5 * MINUTE, 15 * MINUTE, 15 * MINUTE, 15 * MINUTE, 15 * MINUTE, 15 * MINUTE]) {
      await failOnce();
      expect([stage.statusOf("one").phase, startedReason("one")]).toEqual(["Waiting", "ImagePullFailed"]);
      await pass(waitMs - 2_000);
      expect(stage.pod("one")).toBeUndefined();
      await pass(4_000);
      expect(stage.pod("one")).toBeDefined();
    }
    await failOnce();
    expect(stage.statusOf("one")).toMatchObject({ phase: "Paused", attempts: 10, unread: 1 });
    await pass(60 * MINUTE);
    expect(stage.pod("one")).toBeUndefined();
  });

  test("a changed definition is tried at once, and counts anew", async () => {
    await begin();
    stage.post("one");
    await failOnce();
    stage.edit("agents", "helper", { image: "example.com/helper:2" });
    await pass(1_000);
    expect(stage.pod("one")).toBeDefined();
    await failOnce();
    expect(stage.statusOf("one").attempts).toBe(1);
  });

  test("a pod that the API server refuses is a failed start with its message", async () => {
    await begin();
    const create = stage.cluster.create.bind(stage.cluster);
    stage.cluster.create = async (type, object) => {
      if (type.plural === "pods") throw new KubeError(403, "Forbidden", "exceeded quota: two pods");
      return create(type, object);
    };
    stage.post("one");
    await settle();
    expect(stage.statusOf("one")).toMatchObject({ phase: "Waiting", attempts: 1, conditions: [{ reason: "PodRejected", message: "exceeded quota: two pods" }] });
    expect(stage.events).toMatchObject([{ type: "Warning", reason: "PodRejected" }]);
  });

  test("a pod that cannot be put together is a failed start, too", async () => {
    await begin();
    stage.unfit = "MCP server agent: the name is taken.";
    stage.post("one");
    await settle();
    expect(startedReason("one")).toBe("ConfigInvalid");
  });

  test("trouble with the API server is no failed start", async () => {
    await begin();
    let failures = 3;
    stage.cluster.fault = (what) => (what.startsWith("create pods") && failures-- > 0 ? "before" : null);
    stage.post("one");
    await pass(5_000);
    expect([stage.pod("one") === undefined, stage.statusOf("one").attempts]).toEqual([false, 0]);
  });
});

describe("instances of an agent", () => {
  test("no more than its maximum run, and who waits longest comes next", async () => {
    await stage.agent("helper", { instances: { max: 1 } });
    for (const name of ["one", "two", "three"]) await stage.thread(name);
    stage.start();
    await settle();
    for (const name of ["one", "two", "three"]) {
      stage.post(name);
      await pass(10);
    }
    await settle();
    expect(stage.cluster.all(TYPES.pods).map(({ metadata }) => metadata.name)).toEqual(["weir-one"]);
    expect([stage.statusOf("two").phase, startedReason("two")]).toEqual(["Waiting", "AgentAtMaximum"]);
    stage.runs("one");
    stage.acknowledge("one");
    stage.exits("one", 0);
    await settle();
    stage.endPods();
    await pass(2_000);
    expect(stage.cluster.all(TYPES.pods).map(({ metadata }) => metadata.name)).toEqual(["weir-two"]);
    stage.edit("agents", "helper", { instances: { max: 2 } });
    await settle();
    expect(stage.cluster.all(TYPES.pods)).toHaveLength(2);
  });

  test("threads that wake together do not exceed it, although no cache knows yet of the first", async () => {
    await stage.agent("helper", { instances: { max: 2 } });
    const names = Array.from({ length: 12 }, (_, index) => `thread-${index}`);
    for (const name of names) await stage.thread(name);
    stage.start();
    await settle();
    stage.cluster.lagMs = 500;
    for (const name of names) stage.post(name);
    await pass(5_000);
    expect(stage.cluster.all(TYPES.pods)).toHaveLength(2);
  });

  test("the order of those who wait outlives the controller", async () => {
    await stage.agent("helper", { instances: { max: 0 } });
    for (const name of ["alpha", "zulu"]) await stage.thread(name);
    stage.start();
    await settle();
    stage.post("zulu");
    await pass(10);
    stage.post("alpha");
    await settle();
    await stage.crash();
    stage.edit("agents", "helper", { instances: { max: 1 } });
    stage.start();
    await settle();
    expect(stage.cluster.all(TYPES.pods).map(({ metadata }) => metadata.name)).toEqual(["weir-zulu"]);
  });

  test("the threads used last stay warm, the others sleep; and a thread that waits has the better claim", async () => {
    await stage.agent("helper", { instances: { max: 2, warm: 1 } });
    for (const name of ["one", "two", "three"]) await stage.thread(name);
    await pass(1_000);
    stage.start();
    await settle();
    for (const name of ["one", "two"]) {
      stage.post(name);
      await settle();
      stage.runs(name);
      stage.acknowledge(name);
      await pass(1_000);
    }
    await pass(6 * MINUTE);
    stage.endPods();
    await settle();
    expect(stage.cluster.all(TYPES.pods).map(({ metadata }) => metadata.name)).toEqual(["weir-two"]);
    stage.edit("agents", "helper", { instances: { max: 1, warm: 1 } });
    stage.post("three");
    await settle();
    stage.endPods();
    await settle();
    expect(stage.cluster.all(TYPES.pods).map(({ metadata }) => metadata.name)).toEqual(["weir-three"]);
  });

  test("with warm instances, a thread has one when it is opened: its first message finds it running", async () => {
    await begin({ instances: { max: 3, warm: 1 } });
    expect(stage.pod("one")).toBeDefined();
    stage.runs("one");
    await pass(6 * MINUTE);
    expect(stage.statusOf("one")).toMatchObject({ phase: "Running", unread: 0 });
    stage.post("one");
    await settle();
    expect(stage.cluster.writes.filter((write) => write.startsWith("create pods"))).toHaveLength(1);
  });

  test("a burst of threads that are opened starts no more than are warm; when their idle timeout has passed, the last one takes the place", async () => {
    await begin({ instances: { max: 9, warm: 1 } });
    stage.runs("one");
    for (const name of ["two", "three", "four"]) {
      await pass(1_000);
      await stage.thread(name);
    }
    await pass(4 * MINUTE);
    const withPod = () => ["one", "two", "three", "four"].filter((name) => stage.pod(name) !== undefined);
    expect(withPod()).toEqual(["one"]);
    await pass(2 * MINUTE);
    stage.endPods();
    await settle();
    expect(withPod()).toEqual(["four"]);
  });

  test.each([["ends in peace", 0], ["crashes", 1]])("an instance that %s before its first message is not started again without one", async (_what, exitCode) => {
    await begin({ instances: { max: 3, warm: 1 } });
    stage.runs("one");
    await settle();
    stage.exits("one", exitCode);
    await settle();
    stage.endPods();
    await pass(20 * MINUTE);
    expect(stage.pod("one")).toBeUndefined();
    stage.post("one");
    await settle();
    expect(stage.pod("one")).toBeDefined();
  });

  test("another controller warms no more than the one before it did", async () => {
    await stage.agent("helper", { instances: { max: 3, warm: 1 } });
    for (const name of ["one", "two", "three"]) {
      await stage.thread(name);
      await pass(1_000);
    }
    stage.start();
    await settle();
    await stage.crash();
    stage.start();
    await pass(2 * MINUTE);
    expect(["one", "two", "three"].filter((name) => stage.pod(name) !== undefined)).toEqual(["three"]);
  });

  test("its status counts threads and instances", async () => {
    await begin();
    stage.post("one");
    await pass(10_000);
    expect(stage.find("agents", "helper")?.["status"]).toEqual({ instances: 1, threads: 1 });
  });
});

describe("what people do", () => {
  test("a thread that is deleted while it starts leaves nothing but what was to stay", async () => {
    await begin({ volumes: [{ name: "work", mountPath: "/work" }, { name: "kept", mountPath: "/kept", retention: "Retain" }] });
    stage.post("one");
    await settle();
    const uid = stage.uidOf("one");
    await stage.deleteThread("one");
    await settle();
    expect([stage.find("threads", "one"), stage.pod("one"), stage.store.has(uid)]).toEqual([undefined, undefined, false]);
    expect(stage.cluster.all(TYPES.claims).map(({ metadata }) => metadata.name)).toEqual(["weir-one.kept"]);
  });

  test("a new thread of the name does not get the volume that the old one's user left", async () => {
    await begin({ volumes: [{ name: "kept", mountPath: "/kept", retention: "Retain" }] });
    stage.post("one");
    await settle();
    await stage.deleteThread("one");
    await settle();
    await stage.thread("one", { user: "eve" });
    await settle();
    stage.post("one");
    await settle();
    expect([stage.pod("one"), stage.statusOf("one").phase, startedReason("one")]).toEqual([undefined, "Waiting", "Conflict"]);
  });

  test("a pod under the thread's name that is not ours is neither taken nor touched, and the thread starts when it is gone", async () => {
    await begin();
    await stage.cluster.create(TYPES.pods, { apiVersion: "v1", kind: "Pod", metadata: { name: "weir-one", namespace: "team", labels: { app: "mine" } } });
    stage.post("one");
    await settle();
    expect([startedReason("one"), stage.pod("one")?.metadata.labels]).toEqual(["Conflict", { app: "mine" }]);
    stage.losePod("one");
    await pass(40_000);
    expect(stage.pod("one")?.metadata.labels).toMatchObject({ "weir.dev/thread": "one" });
  });

  test("a claim under the volume's name that is not ours is not used", async () => {
    await begin({ volumes: [{ name: "work", mountPath: "/work" }] });
    await stage.cluster.create(TYPES.claims, { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "weir-one.work", namespace: "team" } });
    stage.post("one");
    await settle();
    expect([stage.pod("one"), startedReason("one")]).toEqual([undefined, "Conflict"]);
  });

  test("messages of a thread that vanished before it had our finalizer are removed in time; those of one that is there are not", async () => {
    await begin();
    await stage.store.ensureThread({ uid: "gone", namespace: "team", name: "gone", agent: "helper", owner: "ada", parentUid: null }, Date.now());
    await pass(9 * MINUTE);
    expect(stage.store.has("gone")).toBe(true);
    await pass(2 * MINUTE);
    expect([stage.store.has("gone"), stage.store.has(stage.uidOf("one"))]).toEqual([false, true]);
  });

  test("a pod whose thread vanished without a farewell is removed", async () => {
    await begin();
    stage.post("one");
    await settle();
    await stage.crash();
    stage.cluster.end(TYPES.threads, { namespace: "team", name: "one" });
    stage.start();
    await settle();
    expect(stage.pod("one")).toBeUndefined();
  });

  test("a running instance keeps its definition until its next start, and says so", async () => {
    await begin();
    stage.post("one");
    await settle();
    stage.runs("one");
    stage.edit("agents", "helper", { image: "example.com/helper:2" });
    await settle();
    expect(stage.pod("one")?.metadata.deletionTimestamp).toBeUndefined();
    expect(stage.statusOf("one").conditions?.map(({ type }) => type)).toEqual(["Started", "Outdated"]);
  });

  test("a deleted Agent takes its instances with it; the thread waits for another", async () => {
    await begin();
    stage.post("one");
    await settle();
    stage.runs("one");
    stage.cluster.end(TYPES.agents, { namespace: "team", name: "helper" });
    await settle();
    stage.endPods();
    await settle();
    expect([stage.pod("one"), startedReason("one")]).toEqual([undefined, "AgentMissing"]);
    await stage.agent("helper");
    await pass(1_000);
    expect(stage.pod("one")).toBeDefined();
  });
});
