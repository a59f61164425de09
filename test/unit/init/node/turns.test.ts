import { expect, test } from "vitest";
import { Turns } from "../../../../init/node/turns.ts";

const never = new AbortController().signal;

test("no more tasks run at a time than are allowed, in order, and a failure gives the turn on", async () => {
  const turns = new Turns(2);
  const started: number[] = [];
  const ends = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const all = ends.map(async ({ promise }, index) => turns.take(async () => {
    started.push(index);
    await promise;
  }, never));
  await Promise.resolve();
  expect(started).toEqual([0, 1]);
  ends[1]?.reject(new Error("broken"));
  await expect(all[1]).rejects.toThrow("broken");
  await expect.poll(() => started).toEqual([0, 1, 2]);
  for (const { resolve } of ends) resolve();
  await Promise.all([all[0], all[2], all[3]]);
  expect(started).toEqual([0, 1, 2, 3]);
});

test("whoever gave up while waiting does not run, and does not keep the turn", async () => {
  const turns = new Turns(1);
  const first = Promise.withResolvers<void>();
  const running = turns.take(async () => first.promise, never);
  const stop = new AbortController();
  const waiting = turns.take(async () => "ran", stop.signal);
  stop.abort(new Error("given up"));
  first.resolve();
  await running;
  await expect(waiting).rejects.toThrow("given up");
  expect(await turns.take(async () => "next", never)).toBe("next");
});
