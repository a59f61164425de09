import { describe, expect, test } from "vitest";
import { reconcileConfig } from "../../../../controller/reconcile/config.ts";
import { desire } from "../../../../controller/reconcile/desired.ts";
import { diff } from "../../../../controller/reconcile/diff.ts";
import type { ThreadFacts } from "../../../../controller/reconcile/facts.ts";
import { statusOf } from "../../../../controller/reconcile/status.ts";
import type { ThreadStatus } from "../../../../controller/resources/thread.ts";
import { threadStatus } from "../../../../controller/resources/thread.ts";
import { aPod, facts, failed, MINUTE, nothingUnread, NOW_MS, SECOND, states, unreadSince } from "../../../support/thread-facts.ts";

const config = reconcileConfig.parse({});
function statusFor(known: Partial<ThreadFacts>): ThreadStatus {
  const all = facts(known);
  return statusOf(all, desire(all, config), config.startBackoffMs);
}
const running = { demand: nothingUnread(NOW_MS - SECOND), pod: aPod(states.running) };
const differenceOf = (known: Partial<ThreadFacts>) => {
  const all = facts(known);
  return diff(all, desire(all, config), config);
};

describe("what a status says", () => {
  test("a running thread names its instance", () => {
    expect(statusFor({ ...running, demand: unreadSince(NOW_MS - SECOND, 2) })).toEqual({
      observedGeneration: 1, phase: "Running", instance: "weir-one", instanceUid: "pod-1", unread: 2, lastActivity: "2026-01-01T11:59:59Z", attempts: 0,
      conditions: [{ type: "Started", status: "True", reason: "Serving", message: "", observedGeneration: 1, lastTransitionTime: "2026-01-01T12:00:00Z" }],
    });
  });

  test("a thread that a budget stops says which, how much and until when; and no more once its next window has begun", () => {
    const lack = { budget: "team.daily", reason: "team.daily allows $2.00 per day; $2.00 spent", opensAtMs: NOW_MS + MINUTE };
    const stopped = { ...running, demand: { ...nothingUnread(NOW_MS - SECOND), exhaustion: lack } };
    expect(statusFor(stopped).conditions?.find(({ type }) => type === "BudgetExhausted")).toMatchObject({
      status: "True", message: "team.daily allows $2.00 per day; $2.00 spent. It opens again at 2026-01-01T12:01:00Z",
    });
    expect(desire(facts(stopped), config).wakeAtMs).toBe(NOW_MS + MINUTE);
    const over = { ...stopped, demand: { ...stopped.demand, exhaustion: { ...lack, opensAtMs: NOW_MS } } };
    for (const known of [over, running]) expect(statusFor(known).conditions?.map(({ type }) => type)).toEqual(["Started"]);
  });

  test("a thread in back-off says how often it failed, why, and when it is tried again", () => {
    const status = statusFor({ demand: unreadSince(NOW_MS - MINUTE), starts: failed(2, NOW_MS - SECOND) });
    expect(status).toMatchObject({ phase: "Waiting", attempts: 2, nextAttemptAt: "2026-01-01T12:00:29Z", conditions: [{ type: "Started", status: "False", reason: "ImagePullFailed", message: "agent: ErrImagePull" }] });
  });

  test("a paused thread promises no next attempt", () => {
    expect(statusFor({ demand: unreadSince(NOW_MS - MINUTE), starts: failed(10, NOW_MS) })).not.toHaveProperty("nextAttemptAt");
  });

  test("an instance of an earlier definition is outdated", () => {
    const pod = aPod(states.running, { start: { fingerprint: "f0", oldestUnreadMs: null, madeAtMs: NOW_MS } });
    expect(statusFor({ ...running, pod }).conditions.map(({ type }) => type)).toEqual(["Started", "Outdated"]);
    expect(statusFor(running).conditions.map(({ type }) => type)).toEqual(["Started"]);
  });

  test("a name that is taken is a conflict of its own", () => {
    const status = statusFor({ demand: unreadSince(NOW_MS), pod: aPod(states.running, { ownership: "foreign" }) });
    expect(status.conditions[1]).toMatchObject({ type: "Conflict", status: "True", reason: "NameTaken" });
    expect(status).not.toHaveProperty("instance");
  });

  test("the time of a transition stays until the status of the condition changes", () => {
    const before = { ...statusFor({}), conditions: [{ type: "Started", status: "False" as const, reason: "Stopping", message: "", lastTransitionTime: "2025-12-31T00:00:00Z" }] };
    expect(statusFor({ reported: { status: before, writtenAtMs: null } }).conditions[0]?.lastTransitionTime).toBe("2025-12-31T00:00:00Z");
    expect(statusFor({ ...running, reported: { status: before, writtenAtMs: null } }).conditions[0]?.lastTransitionTime).toBe("2026-01-01T12:00:00Z");
  });

  test.each<[string, Partial<ThreadFacts>]>([["idle", {}], ["running", running], ["waiting", { demand: unreadSince(NOW_MS), starts: failed(1, NOW_MS) }]])("a status of an %s thread is one by its schema", (_, known) => {
    expect(threadStatus.parse(statusFor(known))).toEqual(statusFor(known));
  });
});

describe("when a status is written", () => {
  const written = statusFor(running);

  test("the same status is not written again", () => {
    expect(differenceOf({ ...running, reported: { status: written, writtenAtMs: NOW_MS } }).actions).toEqual([]);
  });

  test("what the API server hands back is the same status", () => {
    const { conditions, ...rest } = written;
    const handedBack = JSON.parse(JSON.stringify({ conditions, spent: "0.10", ...rest })) as ThreadStatus;
    expect(differenceOf({ ...running, reported: { status: handedBack, writtenAtMs: null } }).actions).toEqual([]);
  });

  test("a status of which only the last activity changed waits, and is not forgotten", () => {
    const later = { ...running, demand: nothingUnread(NOW_MS), reported: { status: written, writtenAtMs: NOW_MS - 2 * SECOND } };
    expect(differenceOf(later)).toEqual({ actions: [], wakeAtMs: NOW_MS + 3 * SECOND });
  });

  test("then it is written", () => {
    const later = { ...running, demand: nothingUnread(NOW_MS), reported: { status: written, writtenAtMs: NOW_MS - 5 * SECOND } };
    expect(differenceOf(later).actions).toMatchObject([{ kind: "write-status", status: { lastActivity: "2026-01-01T12:00:00Z" } }]);
  });

  test("anything else is written at once", () => {
    const more = { ...running, demand: unreadSince(NOW_MS), reported: { status: written, writtenAtMs: NOW_MS } };
    expect(differenceOf(more).actions).toMatchObject([{ kind: "write-status", status: { unread: 1 } }]);
  });
});
