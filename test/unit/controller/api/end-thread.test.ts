import { expect, test } from "vitest";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { deleteThread, stopThread } from "../../../../controller/api/end-thread.ts";
import { knownThread } from "../../../../controller/api/known.ts";
import { fewParts } from "../../../support/api/api-parts.ts";

async function aThread() {
  const parts = fewParts();
  const uid = await parts.addThread("t");
  const known = await knownThread(parts, { namespace: "ns", name: "t" });
  return { parts, uid, known: known! };
}

test("a stop is asked for in the resource, by the time of now", async () => {
  const { parts, known } = await aThread();
  await stopThread(parts, known);
  const after = await parts.cluster.get(TYPES.threads, { namespace: "ns", name: "t" });
  expect(after?.["spec"]).toMatchObject({ agent: "runner", stopRequestedAt: new Date(parts.clock.nowMs()).toISOString() });
});

test("a deleted thread is gone from the cluster, and takes no message any more", async () => {
  const { parts, uid, known } = await aThread();
  await deleteThread(parts, known);
  expect(await parts.cluster.get(TYPES.threads, { namespace: "ns", name: "t" })).toBeNull();
  expect(parts.threads.rows.get(uid)?.archivedAtMs).toBe(parts.clock.nowMs());
});

test("a thread of the same name that came later is not deleted in its stead", async () => {
  const { parts, known } = await aThread();
  await parts.cluster.remove(TYPES.threads, { namespace: "ns", name: "t" });
  await parts.addThread("t");
  await expect(deleteThread(parts, known)).rejects.toMatchObject({ status: 409 });
  expect(await parts.cluster.get(TYPES.threads, { namespace: "ns", name: "t" })).not.toBeNull();
});
