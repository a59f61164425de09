import { describe, expect, test } from "vitest";
import { readClaim, stampClaim, stampPod } from "../../../../controller/reconcile/owned-objects.ts";
import { ownerThreadUid, readPod } from "../../../../controller/reconcile/pod-facts.ts";
import { aThread, FINGERPRINT, NOW_MS } from "../../../support/thread-facts.ts";

const START = { fingerprint: FINGERPRINT, oldestUnreadMs: NOW_MS, madeAtMs: NOW_MS };
const thread = aThread();
const OWNERS = [{ apiVersion: "v1", kind: "Other", name: "x", uid: "x" }];

describe("a pod that is stamped", () => {
  test("is found again, whatever its author called it or whose he said it is", () => {
    const pod = stampPod({ metadata: { name: "anything", namespace: "elsewhere", labels: { "weir.dev/thread": "another", mine: "1" }, ownerReferences: OWNERS } }, thread, START);
    expect(pod.metadata).toMatchObject({ name: "weir-one", namespace: "team", labels: { mine: "1", "weir.dev/thread": "one", "weir.dev/agent": "helper" } });
    expect(ownerThreadUid(pod)).toBe("thread-1");
    expect(readPod(pod, "thread-1")).toMatchObject({ ownership: "ours", createdAtMs: NOW_MS, start: START });
  });
});

describe("a claim that is stamped", () => {
  const claim = (owners: object) => stampClaim({ metadata: { name: "weir-one.work", ...owners } }, thread);

  test("with an owner goes with its thread", () => {
    const stamped = claim({ ownerReferences: OWNERS });
    expect(stamped.metadata.ownerReferences).toMatchObject([{ kind: "Thread", uid: "thread-1", controller: true }]);
    expect(readClaim(stamped, "thread-1")).toMatchObject({ ownership: "ours", isOwned: true, isLost: false, isDeleting: false });
  });

  test("without an owner stays, and is still known as this thread's", () => {
    const stamped = claim({});
    expect(stamped.metadata.ownerReferences).toBeUndefined();
    expect(readClaim(stamped, "thread-1")).toMatchObject({ ownership: "ours", isOwned: false });
  });

  test("is not another thread's of the same name", () => {
    expect(readClaim(claim({}), "thread-2").ownership).toBe("predecessor");
  });
});

test("a claim that somebody else made is foreign, whatever its annotation says", () => {
  expect(readClaim({ metadata: { name: "weir-one.work", annotations: { "weir.dev/thread-uid": "thread-1" } } }, "thread-1").ownership).toBe("foreign");
});

test("a claim whose volume is gone says so", () => {
  expect(readClaim({ metadata: { name: "weir-one.work" }, status: { phase: "Lost" } }, "thread-1").isLost).toBe(true);
});
