import { expect, test } from "vitest";
import { messagesSeen, openedMsOf } from "../../../../controller/reconcile/reconcile-thread.ts";
import { aThread, nothingUnread, NOW_MS, unreadSince } from "../../../support/thread-facts.ts";

// Whole turns are in reconciler.test.ts.

test("what was seen of the messages changes with each that comes, each that is read, and each use", () => {
  const seen = [nothingUnread(), nothingUnread(NOW_MS), unreadSince(NOW_MS), unreadSince(NOW_MS, 2), { ...unreadSince(NOW_MS, 2), oldestUnreadMs: NOW_MS - 1 },
    { ...unreadSince(NOW_MS, 2), newestUnreadMs: NOW_MS + 1 }].map(messagesSeen);
  expect(new Set(seen).size).toBe(seen.length);
});

test("the same is the same", () => {
  expect(messagesSeen(unreadSince(NOW_MS))).toBe(messagesSeen(unreadSince(NOW_MS)));
});

test("a thread is as young as the API server's seconds allow; one of unknown age is the oldest", () => {
  expect(openedMsOf(aThread({}, { creationTimestamp: "2026-01-01T12:00:00Z" }))).toBe(NOW_MS + 999);
  expect([openedMsOf(aThread()), openedMsOf(aThread({}, { creationTimestamp: "soon" }))]).toEqual([0, 0]);
});
