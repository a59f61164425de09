import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "../../../../common/clock.ts";
import { WorkQueue, type HandleKey } from "../../../../controller/reconcile/queue.ts";

const RETRY = { retryBaseMs: 100, retryMaxMs: 1_000 };

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

/** A queue that runs, and what its handler saw. */
function start(handle: HandleKey, workers = 2) {
  const stop = new AbortController();
  const queue = new WorkQueue(systemClock, RETRY, () => 1);
  const errors: string[] = [];
  const ended = queue.run(workers, handle, (key) => { errors.push(key); }, stop.signal);
  return { queue, errors, stop: async () => { stop.abort(); await ended; } };
}

test("a key that is added many times before its turn has one turn", async () => {
  const turns: string[] = [];
  const { queue, stop } = start(async (key) => { turns.push(key); return null; });
  for (let round = 0; round < 50; round += 1) queue.add("a");
  await vi.advanceTimersByTimeAsync(1);
  await stop();
  expect(turns).toEqual(["a"]);
});

test("a key that is added during its turn has one more, after it", async () => {
  const open: (() => void)[] = [];
  let atOnce = 0;
  let most = 0;
  const { queue, stop } = start(async () => {
    atOnce += 1;
    most = Math.max(most, atOnce);
    await new Promise<void>((resolve) => { open.push(resolve); });
    atOnce -= 1;
    return null;
  }, 8);
  queue.add("a");
  await vi.advanceTimersByTimeAsync(1);
  queue.add("a");
  queue.add("a");
  await vi.advanceTimersByTimeAsync(1);
  expect(open).toHaveLength(1);
  open[0]?.();
  await vi.advanceTimersByTimeAsync(1);
  expect(open).toHaveLength(2);
  open[1]?.();
  await stop();
  expect([most, open.length]).toEqual([1, 2]);
});

test("keys are served in the order in which they came, by so many workers at once", async () => {
  const turns: string[] = [];
  const open: (() => void)[] = [];
  const { queue, stop } = start(async (key) => {
    turns.push(key);
    await new Promise<void>((resolve) => { open.push(resolve); });
    return null;
  }, 2);
  for (const key of ["a", "b", "c"]) queue.add(key);
  await vi.advanceTimersByTimeAsync(1);
  expect([turns, queue.depth]).toEqual([["a", "b"], 1]);
  open[0]?.();
  await vi.advanceTimersByTimeAsync(1);
  expect(turns).toEqual(["a", "b", "c"]);
  for (const release of open) release();
  await stop();
});

test("of several delays of a key the shortest counts, and its turn ends the others", async () => {
  const turns: number[] = [];
  const { queue, stop } = start(async () => { turns.push(Date.now()); return null; });
  const startMs = Date.now();
  queue.addAfter("a", 500);
  queue.addAfter("a", 200);
  queue.addAfter("a", 900);
  await vi.advanceTimersByTimeAsync(5_000);
  await stop();
  expect(turns.map((atMs) => atMs - startMs)).toEqual([200]);
});

test("what a turn asks for is the next turn", async () => {
  const turns: number[] = [];
  const { queue, stop } = start(async () => { turns.push(Date.now()); return turns.length < 3 ? 1_000 : null; });
  const startMs = Date.now();
  queue.add("a");
  await vi.advanceTimersByTimeAsync(10_000);
  await stop();
  expect(turns.map((atMs) => atMs - startMs)).toEqual([0, 1_000, 2_000]);
});

test("a key that fails comes back later and later, up to a limit; one that succeeds begins anew", async () => {
  const turns: number[] = [];
  let fails = true;
  const { queue, errors, stop } = start(async () => {
    turns.push(Date.now());
    if (fails) throw new Error("no");
    return null;
  });
  const startMs = Date.now();
  queue.add("a");
  await vi.advanceTimersByTimeAsync(2_600);
  expect(turns.map((atMs) => atMs - startMs)).toEqual([0, 100, 300, 700, 1_500, 2_500]);
  fails = false;
  await vi.advanceTimersByTimeAsync(1_000);
  fails = true;
  turns.length = 0;
  queue.add("a");
  await vi.advanceTimersByTimeAsync(150);
  await stop();
  expect([turns.length, errors.length]).toEqual([2, 8]);
});

test("one key that fails does not hold up the others", async () => {
  const turns: string[] = [];
  const { queue, stop } = start(async (key) => {
    turns.push(key);
    if (key === "bad") throw new Error("no");
    return null;
  }, 1);
  queue.add("bad");
  queue.add("good");
  await vi.advanceTimersByTimeAsync(1);
  await stop();
  expect(turns).toEqual(["bad", "good"]);
});

test("the end waits for what is in hand, and begins nothing new", async () => {
  const turns: string[] = [];
  const open: (() => void)[] = [];
  const { queue, stop } = start(async (key) => {
    turns.push(key);
    await new Promise<void>((resolve) => { open.push(resolve); });
    return null;
  }, 1);
  queue.add("a");
  queue.add("b");
  await vi.advanceTimersByTimeAsync(1);
  const stopped = stop();
  open[0]?.();
  await stopped;
  expect(turns).toEqual(["a"]);
});
