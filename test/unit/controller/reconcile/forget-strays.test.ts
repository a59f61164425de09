import { beforeEach, expect, test } from "vitest";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { silentLog } from "../../../../common/log.ts";
import { forgetStrays } from "../../../../controller/reconcile/forget-strays.ts";
import { MemoryCluster } from "../../../support/memory-cluster.ts";
import { MemoryThreadStore } from "../../../support/memory-thread-store.ts";
import { TestClock } from "../../../support/test-clock.ts";

const NEVER = new AbortController().signal;
let cluster: MemoryCluster;
let store: MemoryThreadStore;
let clock: TestClock;
beforeEach(() => {
  clock = new TestClock();
  cluster = new MemoryCluster(() => clock.nowMs());
  store = new MemoryThreadStore();
});

const row = async (uid: string, name: string) =>
  store.ensureThread({ uid, namespace: "team", name, agent: "helper", owner: "ada", parentUid: null }, clock.nowMs());
const sweep = async (known: readonly string[] = []) => forgetStrays(known, { kube: cluster, store, log: silentLog, clock }, NEVER);

test("a row whose Thread is gone is forgotten, when it is older than a minute", async () => {
  await row("gone", "one");
  clock.advance(60_000);
  await sweep();
  expect(store.has("gone")).toBe(true);
  clock.advance(1);
  await sweep();
  expect(store.has("gone")).toBe(false);
});

test("one whose Thread the cache does not have yet stays", async () => {
  const { metadata } = await cluster.create(TYPES.threads, { metadata: { name: "one", namespace: "team" } });
  await row(metadata.uid ?? "", "one");
  clock.advance(120_000);
  await sweep();
  expect(store.has(metadata.uid ?? "")).toBe(true);
});

test("one whose name another Thread has taken is forgotten", async () => {
  await cluster.create(TYPES.threads, { metadata: { name: "one", namespace: "team" } });
  await row("gone", "one");
  clock.advance(120_000);
  await sweep();
  expect(store.has("gone")).toBe(false);
});

test("those of known threads are not even asked for", async () => {
  await row("known", "one");
  clock.advance(120_000);
  cluster.get = async () => { throw new Error("asked"); };
  await sweep(["known"]);
  expect(store.has("known")).toBe(true);
});

test("where the API server does not answer nothing is forgotten", async () => {
  await row("gone", "one");
  clock.advance(120_000);
  cluster.get = async () => { throw new Error("no answer"); };
  await expect(sweep()).rejects.toThrow("no answer");
  expect(store.has("gone")).toBe(true);
});
