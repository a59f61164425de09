import { describe, expect, test } from "vitest";
import { followThread, openEventStream } from "../../../../controller/api/event-stream.ts";
import { knownThread } from "../../../../controller/api/known.ts";
import { ALICE, fewParts, refuse } from "../../../support/api/api-parts.ts";
import type { TestClock } from "../../../support/test-clock.ts";

const never = new AbortController().signal;

async function following(said: readonly string[], afterSeq = 0) {
  const parts = fewParts();
  const uid = await parts.addThread("t");
  const say = async (body: string) => parts.threads.post(uid, { sender: { role: "user", name: "alice" }, isForAgent: true, body, key: null }, 0);
  for (const body of said) await say(body);
  const known = await knownThread(parts, { namespace: "ns", name: "t" });
  const wait = parts.waiting.open(uid, "alice", never);
  const events = followThread(parts, { caller: ALICE, name: { namespace: "ns", name: "t" }, afterSeq, requestId: "r" }, known!, wait);
  return { parts, say, events, next: async () => String((await events.next()).value) };
}

describe("a stream of events", () => {
  test("begins with the thread and what was said, each message under its seq", async () => {
    const { next } = await following(["a", "b\nc"]);
    const first = await next();
    expect(first).toMatch(/^event: thread\ndata: \{.*\}\n\nevent: message\nid: 1\n/);
    expect(first).toContain('id: 2\ndata: {');
    expect(first).toContain('"body":"b\\nc"');
  });

  test("goes on after the message that the client names, and is a comment while nothing is new", async () => {
    const { next, say } = await following(["a", "b"], 1);
    const first = await next();
    expect([first.includes("id: 1\n"), first.includes("id: 2\n")]).toEqual([false, true]);
    expect(await next()).toBe(": nothing new\n\n");
    await say("c");
    expect(await next()).toContain("id: 3\n");
  });

  test("ends with the problem when the right to read ends, and says nothing that came after", async () => {
    const { parts, next, say, events } = await following(["a"]);
    await next();
    parts.answer = refuse;
    await say("secret");
    expect(await next()).toMatch(/^event: problem\ndata: \{"error":"access\.denied","rule":"test\.refused"/);
    expect((await events.next()).done).toBe(true);
  });

  test("ends when its time is over", async () => {
    const { parts, next, events } = await following([]);
    await next();
    (parts.clock as TestClock).advance(parts.config.streamMs);
    expect((await events.next()).done).toBe(true);
  });

  test("does not open for those who may not read, nor take a place for them", async () => {
    const parts = fewParts();
    await parts.addThread("t");
    parts.answer = refuse;
    const open = openEventStream(parts, { caller: ALICE, name: { namespace: "ns", name: "t" }, afterSeq: 0, requestId: "r" }, never);
    await expect(open).rejects.toMatchObject({ rule: "test.refused" });
  });
});
