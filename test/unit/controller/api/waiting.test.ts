import { describe, expect, test } from "vitest";
import { Waiting } from "../../../../controller/api/waiting.ts";
import type { ThreadStore } from "../../../../controller/threads/thread-store.ts";

const never = new AbortController().signal;
const LONG_MS = 60_000;

function stand(limits = { waitingPerCaller: 2, waiting: 3 }) {
  const listeners = new Set<(uid: string) => void>();
  const store = { onSignal: (listener: (uid: string) => void) => { listeners.add(listener); return () => { listeners.delete(listener); }; } } as unknown as ThreadStore;
  return { waiting: new Waiting(store, limits), listeners, signal: (uid: string) => { for (const listener of listeners) listener(uid); } };
}

describe("who waits", () => {
  test("is woken by a signal of its thread", async () => {
    const { waiting, signal } = stand();
    const wait = waiting.open("t", "alice", never);
    const woken = wait.next(LONG_MS);
    signal("t");
    await woken;
    wait.close();
  });

  test("misses no signal that came between the look and the wait, and hears it once", async () => {
    const { waiting, signal } = stand();
    const wait = waiting.open("t", "alice", never);
    signal("t");
    signal("t");
    await wait.next(LONG_MS);
    expect(await Promise.race([wait.next(LONG_MS).then(() => "woken"), Promise.resolve("waiting")])).toBe("waiting");
    waiting.close();
  });

  test("is not woken by another thread", async () => {
    const { waiting, signal } = stand();
    const wait = waiting.open("t", "alice", never);
    let isWoken = false;
    const woken = wait.next(LONG_MS).then(() => { isWoken = true; });
    signal("other");
    await Promise.resolve();
    expect(isWoken).toBe(false);
    signal("t");
    await woken;
    wait.close();
  });

  test("is woken by the end of its time, of its request and of the controller", async () => {
    const { waiting, listeners } = stand();
    const request = new AbortController();
    const wait = waiting.open("t", "alice", request.signal);
    await wait.next(1);
    expect(wait.signal.aborted).toBe(false);
    request.abort();
    await wait.next(LONG_MS);
    expect(wait.signal.aborted).toBe(true);
    const other = waiting.open("t", "bob", never);
    waiting.close();
    await other.next(LONG_MS);
    expect(other.signal.aborted).toBe(true);
    expect(listeners.size).toBe(0);
  });

  test("is one of a few for each caller and of some for all, and leaves its place once", () => {
    const { waiting } = stand();
    const first = waiting.open("t", "alice", never);
    waiting.open("t", "alice", never);
    expect(() => waiting.open("t", "alice", never)).toThrow(expect.objectContaining({ code: "rate.limited" }));
    waiting.open("u", "bob", never);
    expect(() => waiting.open("t", "carol", never)).toThrow(expect.objectContaining({ code: "rate.limited" }));
    first.close();
    first.close();
    waiting.open("t", "alice", never);
    expect(() => waiting.open("t", "dave", never)).toThrow(expect.objectContaining({ code: "rate.limited" }));
  });
});
