import { expect, test } from "vitest";
import { attemptsRow, demandRow, messageRow, relationRow, threadRow } from "../../../../controller/threads/rows.ts";

/** One driver gives bigint as text, the other as a number. */
test.each([["text", (value: number) => String(value)], ["a number", (value: number) => value]])("64-bit numbers are numbers, also as %s", (_, written) => {
  const thread = { uid: "u", namespace: "n", name: "t", agent: "a", owner: "ada", parent_uid: null, created_at_ms: written(5), archived_at_ms: null };
  expect(threadRow(thread)).toEqual({ uid: "u", namespace: "n", name: "t", agent: "a", owner: "ada", parentUid: null, createdAtMs: 5, archivedAtMs: null });
  expect(threadRow({ ...thread, parent_uid: "p", archived_at_ms: written(6) })).toMatchObject({ parentUid: "p", archivedAtMs: 6 });
  const message = { id: "m", thread_uid: "u", seq: written(1), role: "user", sender: "ada", is_for_agent: true, body: "hi", accepted_at_ms: written(7), acknowledged_at_ms: null };
  expect(messageRow(message)).toEqual({
    id: "m", threadUid: "u", seq: 1, sender: { role: "user", name: "ada" }, isForAgent: true, body: "hi", acceptedAtMs: 7, acknowledgedAtMs: null,
  });
  expect(demandRow({ uid: "u", unread: written(2), oldest_unread_ms: written(1), newest_unread_ms: written(2), last_activity_ms: written(3) }))
    .toEqual({ threadUid: "u", unread: 2, oldestUnreadMs: 1, newestUnreadMs: 2, lastActivityMs: 3 });
  expect(attemptsRow({ failures: 3, last_failure_ms: written(9), reason: "CrashLoop", fingerprint: "f" }))
    .toEqual({ failures: 3, lastFailureMs: 9, reason: "CrashLoop", fingerprint: "f" });
});

test("what is not there is null, and zero is not nothing", () => {
  expect(demandRow({ uid: "u", unread: 0, oldest_unread_ms: null, newest_unread_ms: undefined, last_activity_ms: 0 }))
    .toEqual({ threadUid: "u", unread: 0, oldestUnreadMs: null, newestUnreadMs: null, lastActivityMs: 0 });
});

test("only what the database calls true is for the agent", () => {
  expect(messageRow({ is_for_agent: "true" }).isForAgent).toBe(false);
});

test("a relation is what it says", () => {
  const relation = { object_kind: "thread", object: "u", relation: "owner", subject: "user:ada" };
  expect(relationRow(relation)).toEqual({ objectKind: "thread", object: "u", relation: "owner", subject: "user:ada" });
});
