import { afterEach, describe, expect, test } from "vitest";
import { openInformer } from "../../../../common/kube/informer.ts";
import { KubeError, type KubeObject } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { silentLog } from "../../../../common/log.ts";
import { NodePods } from "../../../../proxy/cluster/node-pods.ts";
import { selectPod } from "../../../../proxy/cluster/read-pod.ts";
import { aPod, type PodWish } from "../../../support/governed-pods.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";
import { TestClock } from "../../../support/test-clock.ts";

const NEVER = new AbortController().signal;
const REF = { namespace: "agents", name: "weir-t7" };
const stops: AbortController[] = [];
afterEach(() => { for (const stop of stops.splice(0)) stop.abort(new Error("the test is over")); });

class Stage {
  readonly api = new MemoryKubeApi();
  readonly clock = new TestClock();
  readonly left: string[] = [];
  readonly pods: NodePods;
  readonly stop = new AbortController();
  #begin: () => void = () => {};

  constructor({ podWaitMs = 2_000 } = {}) {
    const informer = openInformer(this.api, TYPES.pods, { fieldSelector: "spec.nodeName=n1" }, { log: silentLog, clock: this.clock, select: selectPod, pause: async () => { await Promise.resolve(); } });
    this.pods = new NodePods({ informer, api: this.api, clock: this.clock, nodeName: "n1", watchSilenceMs: 60_000, podWaitMs });
    this.pods.onLeft(({ name }, why) => { this.left.push(`${name}: ${why}`); });
    stops.push(this.stop);
    this.#begin = () => { void this.pods.run(this.stop.signal); };
  }

  async watching(): Promise<this> {
    this.#begin();
    await expect.poll(() => this.api.openWatches).toBe(1);
    await expect.poll(() => this.pods.isCurrent).toBe(true);
    return this;
  }

  async create(wish: PodWish = {}): Promise<string> {
    return (await this.api.create(TYPES.pods, aPod(wish))).metadata.uid ?? "";
  }

  async known(uid: string): Promise<string> {
    await expect.poll(() => this.pods.lives(uid)).toBe(true);
    return uid;
  }

  find(uid: string, { address = "10.1.2.3", name = "weir-t7", node = "n1", namespace = "agents" } = {}) {
    return this.pods.find({ uid, name, namespace, node }, address, NEVER);
  }

  gets(): number {
    return this.api.requests.filter((request) => request.startsWith("get pods")).length;
  }
}

const rejects = async (found: Promise<unknown>, code: string, detail: RegExp) => expect(found).rejects.toMatchObject({ code, message: expect.stringMatching(detail) as string });

describe("the directory of a node's pods", () => {
  test("finds a pod by its UID, at an address that it has", async () => {
    const stage = await new Stage().watching();
    const uid = await stage.known(await stage.create());
    expect(await stage.find(uid)).toMatchObject({ uid, agent: "coder", addresses: ["10.1.2.3"] });
    expect(stage.gets()).toBe(0);
  });

  test.each<[string, PodWish, { address?: string; name?: string; node?: string; namespace?: string }, RegExp]>([
    ["at another pod's address", {}, { address: "10.1.2.4" }, /the peer is not the token's pod/],
    ["with a token of another node", {}, { node: "n2" }, /node n2/],
    ["with a token of another name", {}, { name: "weir-t8" }, /another pod/],
    ["with a token of another namespace", {}, { namespace: "other" }, /another pod/],
    ["that is not governed", { annotations: { injected: undefined } }, {}, /no boundary/],
    ["whose annotations are malformed", { annotations: { chain: "{" } }, {}, /not JSON/],
  ])("refuses a pod %s", async (_what, wish, shown, why) => {
    const stage = await new Stage().watching();
    const uid = await stage.create(wish);
    await expect.poll(() => stage.pods.lives(uid) || wish.annotations !== undefined).toBe(true);
    await rejects(stage.find(uid, shown), "identity.rejected", why);
  });

  test("refuses a pod that runs elsewhere, or nowhere, after one question", async () => {
    const stage = await new Stage().watching();
    const elsewhere = await stage.create({ node: "n2" });
    await rejects(stage.find(elsewhere), "identity.rejected", /no such pod/);
    await rejects(stage.find("1b6c2f1e-58a7-4d7f-9f5a-6f1f0a1b2c3d"), "identity.rejected", /no such pod/);
    expect(stage.gets()).toBe(2);
  });

  test("asks about one pod once in a second, however many connections come", async () => {
    const stage = await new Stage().watching();
    await Promise.all(Array.from({ length: 50 }, async () => rejects(stage.find("1b6c2f1e-58a7-4d7f-9f5a-6f1f0a1b2c3d"), "identity.rejected", /no such pod/)));
    expect(stage.gets()).toBe(1);
    stage.clock.advance(1_001);
    await rejects(stage.find("1b6c2f1e-58a7-4d7f-9f5a-6f1f0a1b2c3d"), "identity.rejected", /no such pod/);
    expect(stage.gets()).toBe(2);
  });

  test("waits for a pod that the API server knows and the watch has not brought yet", async () => {
    const stage = await new Stage().watching();
    const uid = await stage.create({ ips: [] });
    await stage.known(uid);
    const finding = stage.find(uid);
    await stage.api.seen("get pods");
    await stage.api.apply(TYPES.pods, { metadata: REF, status: { podIPs: [{ ip: "10.1.2.3" }] } }, { fieldManager: "kubelet", force: true });
    expect((await finding).addresses).toEqual(["10.1.2.3"]);
    expect(stage.left).toEqual([]);
  });

  test("does not wait for ever for an address", async () => {
    const stage = await new Stage({ podWaitMs: 20 }).watching();
    const uid = await stage.known(await stage.create({ ips: [] }));
    await rejects(stage.find(uid), "identity.unavailable", /not known here yet/);
  });

  test("cannot tell before it has heard everything once, nor after a long silence; and can again when it is heard", async () => {
    const stage = new Stage();
    const uid = await stage.create();
    await rejects(stage.find(uid), "identity.unavailable", /has not been heard/);
    await stage.watching();
    await stage.find(uid);
    stage.clock.advance(60_001);
    await rejects(stage.find(uid), "identity.unavailable", /has not been heard/);
    await stage.api.apply(TYPES.pods, { metadata: { ...REF, labels: { seen: "again" } } }, { fieldManager: "x", force: true });
    await expect.poll(() => stage.pods.isCurrent).toBe(true);
    await stage.find(uid);
  });

  test("does not let in whom it cannot ask about", async () => {
    const stage = await new Stage().watching();
    stage.api.failNext("get pods", new KubeError(0, "Unreachable", "down"));
    await rejects(stage.find("1b6c2f1e-58a7-4d7f-9f5a-6f1f0a1b2c3d"), "identity.unavailable", /cannot be asked/);
  });
});

describe("a pod of the directory", () => {
  test("is unknown the moment it is deleted, and its token is refused without a question", async () => {
    const stage = await new Stage().watching();
    const uid = await stage.known(await stage.create());
    await stage.api.remove(TYPES.pods, REF);
    await expect.poll(() => stage.left).toEqual(["weir-t7: the pod was deleted"]);
    await rejects(stage.find(uid), "identity.rejected", /has ended/);
    expect(stage.gets()).toBe(0);
  });

  test("of the same name is another one: the first one's token stays refused", async () => {
    const stage = await new Stage().watching();
    const first = await stage.known(await stage.create());
    await stage.api.remove(TYPES.pods, REF);
    const second = await stage.known(await stage.create());
    await rejects(stage.find(first), "identity.rejected", /has ended/);
    expect((await stage.find(second)).uid).toBe(second);
  });

  test("that ended unseen, between two lists, has ended all the same", async () => {
    const stage = await new Stage().watching();
    const first = await stage.known(await stage.create());
    stage.api.failNext("list pods", new KubeError(0, "Unreachable", "down"));
    await stage.api.remove(TYPES.pods, REF);
    const second = await stage.create();
    stage.api.compact();
    stage.api.breakWatches(new KubeError(410, "Expired", "too old"));
    await stage.known(second);
    expect(stage.left).toEqual(["weir-t7: the pod was deleted"]);
    await rejects(stage.find(first), "identity.rejected", /has ended/);
  });

  test("leaves when its containers have ended, or somebody makes it somebody else; not when it gets an address or a label", async () => {
    const stage = await new Stage().watching();
    const uid = await stage.known(await stage.create());
    const change = async (over: Omit<KubeObject, "metadata"> & { readonly metadata?: object }) => stage.api.apply(TYPES.pods, { ...over, metadata: { ...REF, ...over.metadata } }, { fieldManager: "x", force: true });
    await change({ metadata: { labels: { colour: "blue" } }, status: { podIPs: [{ ip: "10.1.2.3" }, { ip: "fd00::3" }] } });
    await expect.poll(async () => (await stage.find(uid, { address: "fd00::3" })).labels["colour"]).toBe("blue");
    expect(stage.left).toEqual([]);
    await change({ metadata: { annotations: { "weir.dev/grants": "[]" } } });
    await expect.poll(() => stage.left).toEqual(["weir-t7: the pod is somebody else now"]);
    await change({ status: { podIPs: [{ ip: "fd00::3" }] } });
    await expect.poll(() => stage.left).toHaveLength(2);
    await change({ status: { phase: "Succeeded" } });
    await expect.poll(() => stage.left.at(-1)).toBe("weir-t7: the pod's containers have ended");
    await rejects(stage.find(uid, { address: "fd00::3" }), "identity.rejected", /has ended/);
  });

  test("that is being deleted goes on until a minute after it should be gone", async () => {
    const stage = await new Stage().watching();
    const uid = await stage.known(await stage.create({ deletionTimestamp: new Date(stage.clock.nowMs() + 30_000).toISOString() }));
    stage.clock.jump(90_000);
    expect((await stage.find(uid)).uid).toBe(uid);
    stage.clock.jump(1);
    await rejects(stage.find(uid), "identity.rejected", /was deleted/);
  });
});
