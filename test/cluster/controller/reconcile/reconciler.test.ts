import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import type { KubeObject } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { silentLog } from "../../../../common/log.ts";
import { runReconciler } from "../../../../controller/reconcile/reconciler.ts";
import { openThreadStore } from "../../../../controller/threads/open-thread-store.ts";
import { threadsConfig } from "../../../../controller/threads/config.ts";
import type { ThreadStore } from "../../../../controller/threads/thread-store.ts";
import { findKubernetes, obtainKubernetes } from "../../../../tools/kubernetes.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../../../support/kube/control-plane.ts";
import { startReconcileProcess, type ReconcileProcess } from "../../../support/kube/reconcile-process.ts";
import { realDeps } from "../../../support/kube/reconcile-program.ts";
import { PodWitness, ThreadScene } from "../../../support/kube/thread-scene.ts";
import { installKinds } from "../../../support/kube/weir-kinds.ts";
import { hasPostgres, startPostgres, type PostgresServer } from "../../../support/postgres-server.ts";

const environment = readEnvironment();
const isRequired = environment["WEIR_TIER"] === "cluster";
const programs = isRequired ? await obtainKubernetes(environment, () => {}, PROGRAMS_OF_LEVEL[1]) : await findKubernetes(environment, PROGRAMS_OF_LEVEL[1]);

const SOON = { timeout: 30_000, interval: 50 };
/** Short enough to see a second try; everything else as it is delivered. */
const CONFIG = { startBackoffMs: [500], pollIntervalMs: 2_000, minStartIntervalMs: 100 };
let plane: ControlPlane;
let count = 0;

describe.skipIf(programs === null)("the reconciler, level 1 (npm run verify:cluster builds it)", () => {
  beforeAll(async () => {
    plane = await startControlPlane({ level: 1 });
    await installKinds(plane);
  });
  afterAll(async () => { await plane?.stop(); });

  describe("in this process", () => {
    let store: ThreadStore;
    let scene: ThreadScene;
    let stop: AbortController;
    let running: Promise<unknown>;
    let witness: PodWitness;

    beforeEach(async () => {
      const namespace = `team-${count += 1}`;
      await plane.createNamespace(namespace);
      store = await openThreadStore(threadsConfig.parse({}), silentLog);
      scene = new ThreadScene(plane.api, store, namespace);
      witness = new PodWitness();
      stop = new AbortController();
      running = Promise.all([
        runReconciler(realDeps({ kube: plane.api, store, log: silentLog }, CONFIG), stop.signal),
        witness.watch(plane.api, namespace, stop.signal).catch(() => undefined),
      ]);
    });
    afterEach(async () => {
      stop.abort();
      await running;
      await scene.clear();
      await store.close();
    });
    const onlyPod = async (): Promise<KubeObject> => {
      await expect.poll(async () => (await scene.pods()).length, SOON).toBe(1);
      return (await scene.pods())[0]!;
    };

    const changeAgent = async (spec: object): Promise<void> => {
      const agent = await plane.api.get(TYPES.agents, { namespace: `team-${count}`, name: "helper" });
      await plane.api.replace(TYPES.agents, { ...agent!, spec: { ...agent!["spec"] as object, ...spec } });
    };

    test("a message wakes a thread with its claims; when all is read and idle the pod goes and the claims stay; the next message finds them", async () => {
      await scene.agent("helper", { idleTimeout: "10s", volumes: [{ name: "work", mountPath: "/work" }] });
      const uid = await scene.thread("one");
      await expect.poll(async () => (await scene.status("one")).phase, SOON).toBe("Idle");
      await scene.post(uid, "first");
      const first = await onlyPod();
      expect(first.metadata.ownerReferences).toMatchObject([{ kind: "Thread", uid, controller: true }]);
      await expect.poll(async () => scene.status("one"), SOON).toMatchObject({ phase: "Starting", unread: 1, instanceUid: first.metadata.uid });
      await scene.runs(first);
      await expect.poll(async () => (await scene.status("one")).phase, SOON).toBe("Running");
      expect(await scene.readAll(uid)).toEqual(["first"]);
      await expect.poll(async () => (await scene.pods()).length, SOON).toBe(0);
      await expect.poll(async () => (await scene.status("one")).phase, SOON).toBe("Idle");
      const [claim] = await scene.claims();
      await scene.post(uid, "second");
      const second = await onlyPod();
      expect(second.metadata.uid).not.toBe(first.metadata.uid);
      expect((await scene.claims()).map(({ metadata }) => metadata.uid)).toEqual([claim?.metadata.uid]);
    });

    test("the same message fifty times at once is one message and one pod", async () => {
      await scene.agent("helper");
      const uid = await scene.thread("one");
      await Promise.all(Array.from({ length: 50 }, async () => scene.post(uid, "same")));
      await onlyPod();
      await expect.poll(async () => scene.status("one"), SOON).toMatchObject({ phase: "Starting", unread: 1 });
      expect([witness.made, witness.violations]).toEqual([1, []]);
    });

    test("a pod that the API server refuses is told in the status, and tried again when the Agent changes", async () => {
      await scene.agent("helper", { image: " not an image " });
      const uid = await scene.thread("one");
      await scene.post(uid, "hello");
      await expect.poll(async () => (await scene.status("one")).conditions?.[0]?.message, SOON).toContain("spec.containers[0].image");
      expect(await scene.status("one")).toMatchObject({ conditions: [{ type: "Started", status: "False", reason: "PodRejected" }] });
      await changeAgent({ image: "example.com/helper:2" });
      await onlyPod();
    });

    test("an agent that crashes is started again under back-off, and its failures are counted", async () => {
      await scene.agent("helper");
      const uid = await scene.thread("one");
      await scene.post(uid, "hello");
      const first = await onlyPod();
      await scene.exits(first, 3);
      await expect.poll(async () => scene.status("one"), SOON).toMatchObject({ attempts: 1 });
      await expect.poll(async () => (await scene.pods())[0]?.metadata.uid !== first.metadata.uid && (await scene.pods()).length === 1, SOON).toBe(true);
      await scene.runs(await onlyPod());
      await scene.readAll(uid);
      await expect.poll(async () => scene.status("one"), SOON).toMatchObject({ attempts: 0, unread: 0 });
      expect(witness.violations).toEqual([]);
    });

    test("an image that cannot be pulled pauses the thread after ten tries, with the reason; a changed Agent is tried at once", async () => {
      await scene.agent("helper");
      await scene.post(await scene.thread("one"), "hello");
      const pull = async () => {
        const [pod] = await scene.pods();
        if (pod !== undefined && pod.metadata.deletionTimestamp === undefined) await scene.report(pod, { waiting: { reason: "ErrImagePull", message: "no such image" } }, "Pending");
        return scene.status("one");
      };
      await expect.poll(pull, SOON).toMatchObject({ phase: "Paused", attempts: 10, unread: 1 });
      expect(await scene.status("one")).toMatchObject({ conditions: [{ type: "Started", status: "False", reason: "ImagePullFailed", message: expect.stringContaining("no such image") }] });
      expect(await scene.status("one")).not.toHaveProperty("nextAttemptAt");
      const made = witness.made;
      await changeAgent({ image: "example.com/helper:2" });
      await onlyPod();
      expect([made, witness.made, witness.violations]).toEqual([10, 11, []]);
    });

    test("a warm agent's thread has its instance when it is opened; the one opened before it sleeps after its idle timeout", async () => {
      await scene.agent("helper", { idleTimeout: "10s", instances: { max: 5, warm: 1 } });
      await scene.thread("one");
      await scene.runs(await onlyPod());
      await expect.poll(async () => scene.status("one"), SOON).toMatchObject({ phase: "Running", unread: 0 });
      const uid = await scene.thread("two");
      await expect.poll(async () => (await scene.pods()).map((pod) => scene.threadOf(pod)), SOON).toContain("two");
      await expect.poll(async () => (await scene.pods()).map((pod) => scene.threadOf(pod)), SOON).toEqual(["two"]);
      await scene.post(uid, "hello");
      await expect.poll(async () => scene.status("two"), SOON).toMatchObject({ unread: 1, instance: "weir-two" });
      expect([witness.made, witness.violations]).toEqual([2, []]);
    });

    test("a thread that is stopped stays stopped with its unread message, and wakes with the next", async () => {
      await scene.agent("helper");
      const uid = await scene.thread("one");
      await scene.post(uid, "before");
      await scene.runs(await onlyPod());
      await scene.stop("one");
      await expect.poll(async () => scene.status("one"), SOON).toMatchObject({ phase: "Idle", unread: 1, conditions: [{ type: "Started", reason: "Stopped" }] });
      expect((await scene.pods()).length).toBe(0);
      await scene.post(uid, "after");
      await onlyPod();
    });

    test("a thread that is deleted while it starts leaves nothing", async () => {
      await scene.agent("helper", { volumes: [{ name: "work", mountPath: "/work" }] });
      const uid = await scene.thread("one");
      await scene.post(uid, "hello");
      await onlyPod();
      await scene.deleteThread("one");
      await expect.poll(async () => (await scene.threads()).length, SOON).toBe(0);
      const claims = await scene.claims();
      // On this level nothing ends the protection of claims that a pod might use: asked to go is all that can be seen.
      expect([await scene.pods(), claims.filter(({ metadata }) => metadata.deletionTimestamp === undefined), await store.thread(uid)]).toEqual([[], [], null]);
    });

    test("the API server is killed: messages of that time are served after it comes back", async () => {
      await scene.agent("helper");
      const uids = await Promise.all(["one", "two", "three"].map(async (name) => scene.thread(name)));
      await expect.poll(async () => (await scene.status("three")).phase, SOON).toBe("Idle");
      await plane.killApiServer();
      for (const uid of uids) await scene.post(uid, "while it was away");
      await plane.startApiServer();
      await expect.poll(async () => (await scene.pods()).length, SOON).toBe(3);
      expect(witness.violations).toEqual([]);
    });

    test("the API server is killed again and again while messages come: each thread has one pod, and none is forgotten", async () => {
      await scene.agent("helper");
      const uids = await Promise.all(["one", "two", "three", "four"].map(async (name) => scene.thread(name)));
      await expect.poll(async () => (await scene.status("four")).phase, SOON).toBe("Idle");
      for (const uid of uids) {
        await scene.post(uid, "in between");
        await plane.killApiServer();
        await plane.startApiServer();
      }
      await expect.poll(async () => (await scene.pods()).length, SOON).toBe(4);
      await expect.poll(async () => Promise.all(["one", "two", "three", "four"].map(async (name) => (await scene.status(name)).phase)), SOON)
        .toEqual(["Starting", "Starting", "Starting", "Starting"]);
      expect([witness.made, witness.violations]).toEqual([4, []]);
    });

    test("an Agent's status counts its threads and instances", async () => {
      await scene.agent("helper");
      const uid = await scene.thread("one");
      await scene.thread("two");
      await scene.post(uid, "hello");
      const status = async () => (await plane.api.get(TYPES.agents, { namespace: `team-${count}`, name: "helper" }))?.["status"];
      await expect.poll(status, SOON).toMatchObject({ instances: 1, threads: 2 });
    });
  });

  describe.skipIf(!hasPostgres())("in a process that is killed (apt-get install postgresql)", () => {
    let postgres: PostgresServer;
    let store: ThreadStore;
    let folder: string;
    beforeAll(async () => {
      postgres = await startPostgres();
      folder = mkdtempSync(join(tmpdir(), "weir-reconcile-"));
      writeFileSync(join(folder, "url"), postgres.url);
      store = await openThreadStore(threadsConfig.parse({ urlFile: join(folder, "url") }), silentLog);
    });
    afterAll(async () => {
      await store?.close();
      await postgres?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    test("whenever it is killed, the next one goes on: no second pod, no lost message, no orphan", async () => {
      await plane.createNamespace("killed");
      const scene = new ThreadScene(plane.api, store, "killed");
      const witness = new PodWitness();
      const stop = new AbortController();
      const watching = witness.watch(plane.api, "killed", stop.signal).catch(() => undefined);
      await scene.agent("helper", { volumes: [{ name: "work", mountPath: "/work" }] });
      const uids = new Map<string, string>(await Promise.all(Array.from({ length: 6 }, async (_, index) => [`thread-${index}`, await scene.thread(`thread-${index}`)] as const)));
      const start = () => startReconcileProcess(folder, { identity: plane.admin, urlFile: join(folder, "url"), logLevel: "silent", reconcile: CONFIG });
      let controller: ReconcileProcess = start();
      const read = new Set<string>();
      for (let round = 0; round < 4; round += 1) {
        for (const [name, uid] of uids) await scene.post(uid, `${name}/${round}`);
        // The kill comes when some of them have their pod and others do not.
        await expect.poll(async () => (await scene.pods()).length, SOON).toBeGreaterThan(round);
        await controller.kill();
        controller = start();
        for (const pod of await scene.pods()) await scene.runs(pod);
        for (const uid of [...uids.values()].slice(round)) for (const key of await scene.readAll(uid)) read.add(key);
        for (const pod of await scene.pods()) await scene.exits(pod, 0);
      }
      await expect.poll(async () => {
        for (const pod of await scene.pods()) for (const key of await scene.readAll(uids.get(scene.threadOf(pod)) ?? "")) read.add(key);
        for (const pod of await scene.pods()) await scene.exits(pod, 0);
        return [read.size, (await scene.pods()).length];
      }, SOON).toEqual([24, 0]);
      for (const name of uids.keys()) await scene.deleteThread(name);
      await expect.poll(async () => (await scene.threads()).length, SOON).toBe(0);
      expect((await Promise.all([...uids.values()].map(async (uid) => store.thread(uid)))).filter((row) => row !== null)).toEqual([]);
      expect((await scene.claims()).filter(({ metadata }) => metadata.deletionTimestamp === undefined)).toEqual([]);
      await controller.end();
      stop.abort();
      await watching;
      expect(witness.violations).toEqual([]);
    });
  });
});
