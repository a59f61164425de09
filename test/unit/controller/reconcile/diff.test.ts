import { describe, expect, test } from "vitest";
import { reconcileConfig } from "../../../../controller/reconcile/config.ts";
import { desire } from "../../../../controller/reconcile/desired.ts";
import { diff } from "../../../../controller/reconcile/diff.ts";
import type { ThreadFacts } from "../../../../controller/reconcile/facts.ts";
import { aPod, anAgent, aThread, facts, failed, FINGERPRINT, MINUTE, nothingUnread, NOW_MS, SECOND, states, unreadSince } from "../../../support/thread-facts.ts";

const config = reconcileConfig.parse({});
const differenceOf = (known: Partial<ThreadFacts>) => {
  const all = facts(known);
  return diff(all, desire(all, config), config);
};
const kindsOf = (known: Partial<ThreadFacts>) => differenceOf(known).actions.map(({ kind }) => kind);

const message = unreadSince(NOW_MS - MINUTE);
const allRead = nothingUnread(NOW_MS - SECOND);
const withVolumes: ThreadFacts["agent"] = { kind: "present", agent: anAgent({ volumes: [{ name: "work", mountPath: "/work" }, { name: "cache", mountPath: "/cache" }] }) };
const claim = { name: "weir-one.work", uid: "claim-1", isDeleting: false, ownership: "ours", isOwned: true, isLost: false } as const;
const leaving = aThread({}, { deletionTimestamp: new Date(NOW_MS).toISOString() });

describe("what is done, in order", () => {
  const rows: readonly (readonly [string, Partial<ThreadFacts>, readonly string[]])[] = [
    ["a new thread is cleaned up after before anything is made for it", { thread: aThread({}, { finalizers: [] }), isRegistered: false }, ["add-finalizer", "ensure-row", "write-status"]],
    ["a thread that wakes has its claims before its pod", { demand: message, agent: withVolumes }, ["create-claim", "create-claim", "create-pod"]],
    ["a thread that wakes again keeps the claims it has", { demand: message, agent: withVolumes, claims: [claim, { ...claim, name: "weir-one.cache" }] }, ["create-pod"]],
    ["a thread that is warmed has its claims before its pod, too", { agent: withVolumes, turn: { hasRoom: true, isWarm: true } }, ["create-claim", "create-claim", "create-pod"]],
    ["a thread that was warmed has been used", { pod: aPod(states.starting), turn: { hasRoom: true, isWarm: true } }, ["note-use", "write-status"]],
    ["a pod that is there is not made again", { demand: message, pod: aPod(states.starting) }, ["write-status"]],
    ["a pod that ends is not made again before it is gone", { demand: message, pod: aPod(states.running, { isDeleting: true }) }, ["write-status"]],
    ["a pod that ends is not deleted twice", { demand: allRead, pod: aPod(states.finished, { isDeleting: true }) }, ["write-status"]],
    ["a failed start is counted before its pod goes", { demand: message, pod: aPod(states.pulling) }, ["note-failed-start", "delete-pod"]],
    ["a failed start that was counted is not counted twice", { demand: message, pod: aPod(states.pulling), starts: failed(1, NOW_MS - SECOND) }, ["delete-pod"]],
    ["a failure from before this pod was another one", { demand: message, pod: aPod(states.pulling), starts: failed(1, NOW_MS - 2 * MINUTE) }, ["note-failed-start", "delete-pod"]],
    ["a run in which something was read clears the count", { demand: unreadSince(NOW_MS - SECOND), pod: aPod(states.running), starts: failed(3, NOW_MS - 2 * MINUTE) }, ["clear-starts", "write-status"]],
    ["a run in which nothing was read does not", { demand: message, pod: aPod(states.running), starts: failed(3, NOW_MS - 2 * MINUTE) }, ["write-status"]],
    ["a finished run leaves no count and no pod", { demand: allRead, pod: aPod(states.finished), starts: failed(3, NOW_MS - 2 * MINUTE) }, ["clear-starts", "delete-pod"]],
    ["pausing by hand clears the count", { thread: aThread({ paused: true }), starts: failed(10, NOW_MS) }, ["clear-starts", "write-status"]],
    ["a foreign pod is left alone", { demand: message, pod: aPod(states.running, { ownership: "foreign" }) }, ["write-status"]],
    ["a pod of an earlier thread of the name is removed", { demand: message, pod: aPod(states.running, { ownership: "predecessor" }) }, ["delete-predecessor"]],
    ["an earlier thread's claim that should have gone with it goes", { claims: [{ ...claim, ownership: "predecessor" }] }, ["delete-claim", "write-status"]],
    ["an earlier thread's claim that was to stay stays", { claims: [{ ...claim, ownership: "predecessor", isOwned: false }] }, ["write-status"]],
    ["a deleted thread loses its pod first", { thread: leaving, pod: aPod(states.running), claims: [claim] }, ["delete-pod"]],
    ["a deleted thread keeps its finalizer until its pod is gone", { thread: leaving, pod: aPod(states.running, { isDeleting: true }), claims: [claim] }, ["write-status"]],
    ["then its claims, its messages and its finalizer go", { thread: leaving, claims: [claim, { ...claim, name: "weir-one.kept", isOwned: false }] }, ["delete-claim", "forget-row", "remove-finalizer"]],
    ["a deleted thread without our finalizer is not ours to change", { thread: aThread({}, { deletionTimestamp: "2026-01-01T12:00:00Z", finalizers: [] }) }, ["write-status"]],
  ];
  test.each(rows)("%s", (_, known, kinds) => {
    expect(kindsOf(known)).toEqual(kinds);
  });
});

test("a pod says what it was made of, for which message, and when", () => {
  const [action] = differenceOf({ demand: message }).actions;
  expect(action).toEqual({ kind: "create-pod", start: { fingerprint: FINGERPRINT, oldestUnreadMs: NOW_MS - MINUTE, madeAtMs: NOW_MS } });
});

test("a start ahead of the first message counts as use from when its pod was made", () => {
  expect(differenceOf({ pod: aPod(states.starting) }).actions[0]).toEqual({ kind: "note-use", atMs: NOW_MS - MINUTE });
});

test("a pod is deleted by its UID", () => {
  expect(differenceOf({ demand: allRead, pod: aPod(states.finished) }).actions).toEqual([{ kind: "delete-pod", name: "weir-one", uid: "pod-1", reason: "Finished", message: "" }]);
});

test("a failure counts for the definition that failed, not for the one of today", () => {
  const pod = aPod(states.pulling, { start: { fingerprint: "f0", oldestUnreadMs: NOW_MS - MINUTE, madeAtMs: NOW_MS - MINUTE } });
  expect(differenceOf({ demand: message, pod }).actions[0]).toMatchObject({ kind: "note-failed-start", fingerprint: "f0", line: "ImagePullFailed: agent: ErrImagePull" });
});
