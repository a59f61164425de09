import { afterEach, describe, expect, test } from "vitest";
import { openInformer, type InformerOptions } from "../../../../common/kube/informer.ts";
import { KubeError, type Informer, type KubeObject } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { silentLog, type Log } from "../../../../common/log.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";
import { TestClock } from "../../../support/test-clock.ts";

const aPod = (name: string, image = "one"): KubeObject => ({ metadata: { name, namespace: "here" }, spec: { image } });

interface Stage {
  readonly api: MemoryKubeApi;
  readonly clock: TestClock;
  readonly informer: Informer;
  /** What the listener was told, `name=image` or `name gone`. */
  readonly told: string[];
  readonly pauses: number[];
}

const stops: AbortController[] = [];
afterEach(() => { for (const stop of stops.splice(0)) stop.abort(); });

async function running(prepare: (api: MemoryKubeApi) => Promise<void> | void = () => undefined, options: Partial<InformerOptions> = {}): Promise<Stage> {
  const api = new MemoryKubeApi();
  await prepare(api);
  const clock = new TestClock();
  const pauses: number[] = [];
  const stop = new AbortController();
  stops.push(stop);
  const informer = openInformer(api, TYPES.pods, { namespace: "here" }, {
    log: silentLog, clock, random: () => 0.5, pause: async (ms) => { pauses.push(ms); clock.advance(ms); await Promise.resolve(); }, ...options,
  });
  const told: string[] = [];
  informer.onChange(({ name }, object) => { told.push(object === null ? `${name} gone` : `${name}=${(object["spec"] as { image: string }).image}`); });
  void informer.run(stop.signal);
  await informer.synced(stop.signal);
  await expect.poll(() => api.openWatches).toBe(1);
  return { api, clock, informer, told, pauses };
}

describe("an informer", () => {
  test("knows what was there before and tells what comes after", async () => {
    const { api, informer, told } = await running(async (cluster) => { await cluster.create(TYPES.pods, aPod("old")); });
    await api.create(TYPES.pods, aPod("new"));
    await api.replace(TYPES.pods, aPod("old", "two"));
    await api.remove(TYPES.pods, { namespace: "here", name: "new" });
    await expect.poll(() => told).toEqual(["old=one", "new=one", "old=two", "new gone"]);
    expect(informer.list().map(({ metadata }) => metadata.name)).toEqual(["old"]);
    expect(informer.get({ namespace: "here", name: "new" })).toBeUndefined();
  });

  test("goes on where it was when the server ends the watch: no second list", async () => {
    const { api, told } = await running();
    api.breakWatches();
    await api.create(TYPES.pods, aPod("meanwhile"));
    await expect.poll(() => told).toEqual(["meanwhile=one"]);
    expect(api.requests.filter((request) => request === "list pods")).toHaveLength(1);
  });

  test("goes on where it was when the connection breaks: no second list", async () => {
    const { api, told } = await running();
    api.breakWatches(new KubeError(0, "Unreachable", "reset"));
    await api.create(TYPES.pods, aPod("meanwhile"));
    await expect.poll(() => told).toEqual(["meanwhile=one"]);
    expect(api.requests.filter((request) => request === "list pods")).toHaveLength(1);
  });

  test.each([
    ["is too old", new KubeError(410, "Expired", "too old")],
    ["is silent", new KubeError(0, "Silent", "not a byte")],
    ["cannot be read", new KubeError(0, "Malformed", "?")],
    ["fails at the server", new KubeError(500, "InternalError", "etcd")],
  ])("lists again when the watch %s, and tells the differences", async (_what, error) => {
    const { api, told } = await running(async (cluster) => {
      await cluster.create(TYPES.pods, aPod("stays"));
      await cluster.create(TYPES.pods, aPod("changes"));
      await cluster.create(TYPES.pods, aPod("goes"));
    });
    told.length = 0;
    api.breakWatches(error);
    await api.replace(TYPES.pods, aPod("changes", "two"));
    await api.remove(TYPES.pods, { namespace: "here", name: "goes" });
    await api.create(TYPES.pods, aPod("comes"));
    api.compact();
    await expect.poll(() => told.toSorted()).toEqual(["changes=two", "comes=one", "goes gone"]);
    expect(api.requests.filter((request) => request === "list pods").length).toBeGreaterThan(1);
  });

  test("tells the end of an object that was replaced by another of the same name while nobody watched", async () => {
    const { api, told } = await running(async (cluster) => { await cluster.create(TYPES.pods, aPod("same")); });
    told.length = 0;
    api.breakWatches(new KubeError(410, "Expired", "too old"));
    await api.remove(TYPES.pods, { namespace: "here", name: "same" });
    await api.create(TYPES.pods, aPod("same", "two"));
    api.compact();
    await expect.poll(() => told).toEqual(["same gone", "same=two"]);
  });

  test("waits longer and longer while the server fails, at most half a minute", async () => {
    const { api, pauses } = await running((cluster) => {
      for (let failure = 0; failure < 8; failure += 1) cluster.failNext("list pods", new KubeError(503, "ServiceUnavailable", "not yet"));
    });
    expect(pauses).toEqual([500, 1_500, 3_000, 6_000, 12_000, 22_500, 22_500, 22_500]);
    expect(api.requests.filter((request) => request === "list pods")).toHaveLength(9);
  });

  test("does not race a server that takes watches and drops them at once", async () => {
    const { api, pauses } = await running();
    pauses.length = 0;
    for (let round = 0; round < 5; round += 1) {
      await expect.poll(() => api.openWatches).toBe(1);
      api.breakWatches();
      await expect.poll(() => pauses.length).toBe(round + 1);
    }
    expect(pauses.at(-1)).toBeGreaterThanOrEqual(12_000);
  });

  test("starts again with a short pause after a watch that held", async () => {
    const { api, clock, informer, pauses } = await running();
    for (const heldMs of [0, 0, 60_000]) {
      await expect.poll(() => api.openWatches).toBe(1);
      clock.advance(heldMs);
      await api.create(TYPES.pods, aPod(`sign-of-life-${pauses.length}`));
      await expect.poll(() => informer.list().length).toBe(pauses.length + 1);
      const before = pauses.length;
      api.breakWatches();
      await expect.poll(() => pauses.length).toBe(before + 1);
    }
    expect(pauses).toEqual([500, 1_500, 500]);
  });

  test("does not take a server that lets requests hang for one that works", async () => {
    const { api, clock, pauses } = await running();
    pauses.length = 0;
    for (let round = 0; round < 4; round += 1) {
      await expect.poll(() => api.openWatches).toBe(1);
      clock.advance(120_000);
      api.breakWatches(new KubeError(0, "Timeout", "no answer"));
      await expect.poll(() => pauses.length).toBe(round + 1);
    }
    expect(pauses).toEqual([500, 1_500, 3_000, 6_000]);
  });

  test("keeps only what it was told to keep", async () => {
    const { informer } = await running(async (cluster) => { await cluster.create(TYPES.pods, aPod("large")); }, {
      select: ({ metadata }) => ({ metadata, spec: { image: "left out" } }),
    });
    expect(informer.get({ namespace: "here", name: "large" })?.["spec"]).toEqual({ image: "left out" });
  });

  test("logs a listener that throws, and tells the others", async () => {
    const errors: string[] = [];
    const log: Log = { ...silentLog, error: (event) => { errors.push(event); } };
    const { api, informer, told } = await running(undefined, { log });
    informer.onChange(() => { throw new Error("listener of the test"); });
    const late: string[] = [];
    informer.onChange(({ name }) => { late.push(name); });
    await api.create(TYPES.pods, aPod("a"));
    await expect.poll(() => late).toEqual(["a"]);
    expect(told).toEqual(["a=one"]);
    expect(errors).toEqual(["informer.listener-failed"]);
  });

  test("says when it last heard of the server", async () => {
    const { api, clock, informer } = await running();
    const before = informer.lastSeenMs;
    clock.advance(5_000);
    await api.create(TYPES.pods, aPod("a"));
    await expect.poll(() => informer.lastSeenMs - before).toBe(5_000);
  });

  test("tells nobody who has gone", async () => {
    const { api, informer, told } = await running();
    const heard: string[] = [];
    const leave = informer.onChange(({ name }) => { heard.push(name); });
    leave();
    await api.create(TYPES.pods, aPod("a"));
    await expect.poll(() => told).toEqual(["a=one"]);
    expect(heard).toEqual([]);
  });

  test("is not synced before its first list, however long that takes", async () => {
    const informer = openInformer(new MemoryKubeApi(), TYPES.pods, {}, { log: silentLog });
    await expect(informer.synced(AbortSignal.abort(new Error("no longer")))).rejects.toThrow("no longer");
    expect(informer.lastSeenMs).toBe(Number.NEGATIVE_INFINITY);
  });
});
