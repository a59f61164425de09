import { beforeEach, expect, test } from "vitest";
import type { KubeObject } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { silentLog } from "../../../../common/log.ts";
import { stampClaim, stampPod } from "../../../../controller/reconcile/owned-objects.ts";
import { removeOrphans } from "../../../../controller/reconcile/remove-orphans.ts";
import { MemoryCluster } from "../../../support/memory-cluster.ts";
import { aThread, FINGERPRINT, NOW_MS } from "../../../support/thread-facts.ts";

const NEVER = new AbortController().signal;
const OWNED = [{ apiVersion: "weir.dev/v1alpha1", kind: "Thread", name: "one", uid: "x" }];
const THREAD = { metadata: { name: "one", namespace: "team" } };
let cluster: MemoryCluster;
beforeEach(() => { cluster = new MemoryCluster(() => NOW_MS); });

/** A pod and two claims, one of which is to stay, as made for a thread of this UID. */
async function leave(uid: string): Promise<void> {
  const thread = aThread({}, { uid });
  await cluster.create(TYPES.pods, stampPod({ metadata: { name: "" } }, thread, { fingerprint: FINGERPRINT, oldestUnreadMs: null, madeAtMs: NOW_MS }));
  await cluster.create(TYPES.claims, stampClaim({ metadata: { name: "weir-one.work", ownerReferences: OWNED } }, thread));
  await cluster.create(TYPES.claims, stampClaim({ metadata: { name: "weir-one.kept" } }, thread));
}

async function clean(): Promise<readonly string[]> {
  const view = { pod: () => cluster.all(TYPES.pods)[0] ?? null, claims: () => cluster.all(TYPES.claims) };
  await removeOrphans("team/one", view, { kube: cluster, log: silentLog }, NEVER);
  return [...cluster.all(TYPES.pods), ...cluster.all(TYPES.claims)].map(({ metadata }) => metadata.name);
}

test("what a thread that is gone has left goes; what was to stay stays", async () => {
  await leave("gone");
  expect(await clean()).toEqual(["weir-one.kept"]);
});

test("what is of the thread that there is stays, although the cache did not have it", async () => {
  const made: KubeObject = await cluster.create(TYPES.threads, THREAD);
  await leave(made.metadata.uid ?? "");
  expect(await clean()).toEqual(["weir-one", "weir-one.work", "weir-one.kept"]);
});

test("another thread of the name does not keep the old one's", async () => {
  await cluster.create(TYPES.threads, THREAD);
  await leave("gone");
  expect(await clean()).toEqual(["weir-one.kept"]);
});

test("where nothing is left nobody is asked", async () => {
  cluster.get = async () => { throw new Error("asked"); };
  expect(await clean()).toEqual([]);
});
