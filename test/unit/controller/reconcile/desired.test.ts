import { describe, expect, test } from "vitest";
import { backoffMs, desire, type Desired } from "../../../../controller/reconcile/desired.ts";
import type { ThreadFacts } from "../../../../controller/reconcile/facts.ts";
import { reconcileConfig } from "../../../../controller/reconcile/config.ts";
import { aPod, anAgent, aThread, facts, failed, MINUTE, nothingUnread, NOW_MS, SECOND, states, unreadSince } from "../../../support/thread-facts.ts";

const rules = reconcileConfig.parse({});
const message = unreadSince(NOW_MS - MINUTE);
const at = (ms: number) => new Date(ms).toISOString();
const agentWith = (spec: Readonly<Record<string, unknown>>): ThreadFacts["agent"] => ({ kind: "present", agent: anAgent(spec) });
const claim = { name: "weir-one.work", uid: "claim-1", isDeleting: false, ownership: "ours", isOwned: true, isLost: false } as const;
const withVolume = agentWith({ volumes: [{ name: "work", mountPath: "/work" }] });

type Row = readonly [sentence: string, known: Partial<ThreadFacts>, wanted: Partial<Desired>];

function table(rows: readonly Row[]): void {
  test.each(rows)("%s", (_, known, wanted) => {
    expect(desire(facts(known), rules)).toMatchObject(wanted);
  });
}

describe("messages", () => {
  table([
    ["a thread without a message stays idle", {}, { phase: "Idle", wantPod: false, reason: "Idle", wakeAtMs: null }],
    ["a message for the agent wants a pod", { demand: message }, { phase: "Starting", wantPod: true, reason: "Waking" }],
    ["a pod that is being made is waited for until its deadline", { demand: message, pod: aPod(states.starting) }, { phase: "Starting", wantPod: true, wakeAtMs: NOW_MS + MINUTE }],
    ["a pod with unread messages runs, however long", { demand: unreadSince(NOW_MS - 90 * MINUTE), pod: aPod(states.running, { createdAtMs: NOW_MS - 90 * MINUTE }) }, { phase: "Running", wantPod: true, wakeAtMs: null }],
    ["a message that comes while the pod ends waits for the end", { demand: message, pod: aPod(states.running, { isDeleting: true }) }, { phase: "Stopping", wantPod: true }],
  ]);
});

describe("idleness", () => {
  table([
    ["a pod with nothing to read is kept for the idle timeout", { demand: nothingUnread(NOW_MS - 4 * MINUTE), pod: aPod(states.running, { createdAtMs: NOW_MS - 9 * MINUTE, state: { kind: "running", sinceMs: NOW_MS - 9 * MINUTE } }) },
      { phase: "Running", wantPod: true, wakeAtMs: NOW_MS + MINUTE }],
    ["it is stopped when that has passed", { demand: nothingUnread(NOW_MS - 5 * MINUTE), pod: aPod({ kind: "running", sinceMs: NOW_MS - 9 * MINUTE }, { createdAtMs: NOW_MS - 9 * MINUTE }) },
      { phase: "Stopping", wantPod: false, reason: "IdleTimeout" }],
    ["the pod's own start counts as use", { demand: nothingUnread(NOW_MS - 90 * MINUTE), pod: aPod({ kind: "running", sinceMs: NOW_MS - MINUTE }) }, { phase: "Running", wantPod: true, wakeAtMs: NOW_MS + 4 * MINUTE }],
    ["the agent's own idle timeout counts", { agent: agentWith({ idleTimeout: "1m30s" }), demand: nothingUnread(NOW_MS - 90 * SECOND), pod: aPod({ kind: "running", sinceMs: 0 }, { createdAtMs: 0 }) }, { wantPod: false, reason: "IdleTimeout" }],
    ["activity from a clock that is ahead is activity now", { demand: nothingUnread(NOW_MS + 60 * MINUTE), pod: aPod(states.running) }, { phase: "Running", wakeAtMs: NOW_MS + 5 * MINUTE }],
    ["a warm thread keeps its pod and is asked again", { turn: { hasRoom: true, isWarm: true }, pod: aPod({ kind: "running", sinceMs: 0 }, { createdAtMs: 0 }) }, { phase: "Running", wantPod: true, reason: "KeptWarm", wakeAtMs: NOW_MS + 30 * SECOND }],
    ["a thread that was opened and is warm gets its pod before its first message", { turn: { hasRoom: true, isWarm: true } }, { phase: "Starting", wantPod: true, reason: "WarmingUp" }],
    ["one that is not among the warm waits for its first message", { turn: { hasRoom: true, isWarm: false } }, { phase: "Idle", wantPod: false }],
    ["a warm thread that has been used is not started without a message", { demand: nothingUnread(NOW_MS), turn: { hasRoom: true, isWarm: true } }, { phase: "Idle", wantPod: false }],
    ["warmth does not exceed the agent's maximum", { turn: { hasRoom: false, isWarm: true } }, { phase: "Idle", wantPod: false }],
    ["a start ahead of time that failed is not tried again before there is a message", { starts: failed(1, 0), turn: { hasRoom: true, isWarm: true } }, { phase: "Idle", wantPod: false }],
    ["nobody is warm without a definition", { agent: { kind: "missing" }, turn: { hasRoom: true, isWarm: true } }, { wantPod: false, reason: "AgentMissing" }],
    ["a pod that ends because of idleness is gone: idle", { demand: nothingUnread(NOW_MS - 90 * MINUTE) }, { phase: "Idle", wantPod: false }],
  ]);
});

describe("what a person asks for", () => {
  table([
    ["a paused thread gets no pod, and keeps its messages", { thread: aThread({ paused: true }), demand: message }, { phase: "Paused", wantPod: false, reason: "Paused" }],
    ["pausing stops a running pod", { thread: aThread({ paused: true }), pod: aPod(states.running) }, { phase: "Stopping", wantPod: false, reason: "Paused" }],
    ["a stop ends an instance that started before it", { thread: aThread({ stopRequestedAt: at(NOW_MS) }), demand: message, pod: aPod(states.running) }, { phase: "Stopping", wantPod: false, reason: "Stopped" }],
    ["a stop leaves an instance that started after it", { thread: aThread({ stopRequestedAt: at(NOW_MS - 2 * MINUTE) }), demand: message, pod: aPod(states.running) }, { phase: "Running", wantPod: true }],
    ["after a stop, messages from before it wait for the next one", { thread: aThread({ stopRequestedAt: at(NOW_MS) }), demand: message }, { phase: "Idle", wantPod: false, reason: "Stopped" }],
    ["after a stop, the next message starts it again", { thread: aThread({ stopRequestedAt: at(NOW_MS - 2 * MINUTE) }), demand: message }, { wantPod: true, reason: "Waking" }],
    ["a deleted thread loses its pod", { thread: aThread({}, { deletionTimestamp: at(NOW_MS) }), demand: message, pod: aPod(states.running) }, { phase: "Stopping", wantPod: false, reason: "Deleted" }],
  ]);
});

describe("the agent", () => {
  table([
    ["without its Agent a thread waits", { agent: { kind: "missing" }, demand: message }, { phase: "Waiting", wantPod: false, reason: "AgentMissing" }],
    ["without its Agent a pod is stopped: its boundary is gone", { agent: { kind: "missing" }, demand: message, pod: aPod(states.running) }, { phase: "Stopping", wantPod: false }],
    ["an Agent without an image starts nothing", { agent: agentWith({ image: undefined }), demand: message }, { phase: "Waiting", wantPod: false, reason: "AgentWithoutImage" }],
    ["an Agent that cannot be read starts nothing", { agent: { kind: "unreadable", problem: "spec.new: unknown" }, demand: message }, { phase: "Waiting", reason: "AgentUnreadable", message: "spec.new: unknown" }],
    ["an Agent that cannot be read ends nothing", { agent: { kind: "unreadable", problem: "spec.new: unknown" }, demand: message, pod: aPod(states.running) }, { phase: "Running", wantPod: true }],
    ["at the agent's maximum a thread waits for its turn", { demand: message, turn: { hasRoom: false, isWarm: false } }, { phase: "Waiting", wantPod: false, reason: "AgentAtMaximum" }],
  ]);
});

describe("starts that fail", () => {
  table([
    ["an image that cannot be pulled ends the start", { demand: message, pod: aPod(states.pulling) }, { phase: "Stopping", wantPod: false, reason: "ImagePullFailed", failure: states.pulling.trouble }],
    ["an agent that exits with its message unread has failed", { demand: message, pod: aPod(states.crashed) }, { wantPod: false, reason: "AgentFailed", failure: states.crashed.failure }],
    ["one that exits in peace with its message unread has failed, too", { demand: message, pod: aPod(states.finished) }, { wantPod: false, reason: "EndedUnread", failure: { reason: "EndedUnread", message: "the agent ended and left its message unread" } }],
    ["one that exits with everything read has finished", { pod: aPod(states.finished) }, { phase: "Stopping", wantPod: false, reason: "Finished", failure: null }],
    ["one that crashes with everything read has finished", { pod: aPod(states.crashed) }, { wantPod: false, reason: "Finished", failure: null }],
    ["one that read its message and leaves the next has finished", { demand: unreadSince(NOW_MS - SECOND), pod: aPod(states.crashed) }, { wantPod: false, reason: "Finished", failure: null }],
    ["a container that does not run in time has failed", { demand: message, agent: agentWith({ startTimeout: "1m" }), pod: aPod(states.starting) }, { wantPod: false, reason: "StartTimeout", failure: { reason: "StartTimeout", message: "the agent's container did not run within 1m" } }],
    ["a pod without a node is given the same time, for nodes may come", { demand: message, pod: aPod(states.unscheduled) }, { phase: "Starting", wantPod: true, reason: "Unschedulable", failure: null }],
    ["a pod without a node in time has failed for that", { demand: message, agent: agentWith({ startTimeout: "1m" }), pod: aPod(states.unscheduled) }, { wantPod: false, reason: "Unschedulable", failure: states.unscheduled.delay }],
  ]);
});

describe("after failed starts", () => {
  table([
    ["the next try waits for its time", { demand: message, starts: failed(1, NOW_MS - 9 * SECOND) }, { phase: "Waiting", wantPod: false, reason: "ImagePullFailed", message: "agent: ErrImagePull", wakeAtMs: NOW_MS + SECOND }],
    ["when the time has come it is made", { demand: message, starts: failed(1, NOW_MS - 10 * SECOND) }, { wantPod: true, reason: "Waking" }],
    ["the tenth failure pauses the thread, with the reason", { demand: message, starts: failed(10, NOW_MS - 90 * MINUTE) }, { phase: "Paused", wantPod: false, reason: "ImagePullFailed", wakeAtMs: null }],
    ["the ninth does not", { demand: message, starts: failed(9, NOW_MS - 90 * MINUTE) }, { wantPod: true }],
    ["a changed definition is tried at once", { demand: message, starts: failed(3, NOW_MS, "f0") }, { wantPod: true, reason: "Waking" }],
    ["a changed definition is tried although the thread was paused", { demand: message, starts: failed(10, NOW_MS, "f0") }, { wantPod: true }],
    ["without a message nothing is tried", { starts: failed(1, NOW_MS - 90 * MINUTE) }, { phase: "Idle", wantPod: false }],
    ["a pod that vanished is made anew, but not in a loop", { demand: message, lastPodMadeMs: NOW_MS - 400 }, { phase: "Waiting", wantPod: false, reason: "JustStarted", wakeAtMs: NOW_MS + 600 }],
    ["a moment later it is made", { demand: message, lastPodMadeMs: NOW_MS - SECOND }, { wantPod: true }],
  ]);
});

describe("what is in the way", () => {
  table([
    ["a pod that is not ours is a conflict", { demand: message, pod: aPod(states.running, { ownership: "foreign" }) }, { phase: "Waiting", wantPod: false, reason: "Conflict" }],
    ["a pod of an earlier thread of the name is waited for", { demand: message, pod: aPod(states.running, { ownership: "predecessor" }) }, { phase: "Waiting", wantPod: false, reason: "Conflict" }],
    ["a name that was found taken is a conflict", { demand: message, obstacle: "the pod weir-one was not made for this thread" }, { phase: "Waiting", reason: "Conflict" }],
    ["a claim of an earlier thread of the name is not taken over", { demand: message, agent: withVolume, claims: [{ ...claim, ownership: "predecessor" }] }, { phase: "Waiting", reason: "Conflict" }],
    ["a claim that is being deleted is waited for", { demand: message, agent: withVolume, claims: [{ ...claim, isDeleting: true }] }, { phase: "Waiting", reason: "VolumeLeaving" }],
    ["a claim whose volume is lost stops the start", { demand: message, agent: withVolume, claims: [{ ...claim, isLost: true }] }, { phase: "Waiting", reason: "VolumeLost" }],
    ["its own claim is no obstacle", { demand: message, agent: withVolume, claims: [claim] }, { wantPod: true }],
    ["a claim that the Agent does not ask for any more is no obstacle", { demand: message, claims: [{ ...claim, isDeleting: true }] }, { wantPod: true }],
  ]);
});

test("back-off takes the steps of the configuration, and stays at the last", () => {
  const waits = [1, 2, 3, 4, 5, 6, 9].map((failures) => backoffMs(failures, rules.startBackoffMs) / SECOND);
  expect(waits).toEqual([10, 30, 60, 300, 900, 900, 900]);
});
