import { describe, expect, test } from "vitest";
import { FIRST_SECONDS, OpenTime } from "../../../../proxy/model/open-time.ts";

/** A limit of so many seconds, of which the first are held already. */
function open(limit: bigint) {
  let held = FIRST_SECONDS;
  const hold = {
    extend: async ({ seconds = 0n }) => {
      if (held + seconds > limit) return false;
      held += seconds;
      return true;
    },
  };
  const time = new OpenTime(0, hold, new AbortController().signal);
  return { time, held: () => held };
}

async function ticks(time: OpenTime, until: number): Promise<boolean[]> {
  const seen: boolean[] = [];
  for (let second = 1; second <= until; second += 1) {
    seen.push(time.tick(second * 1_000));
    await new Promise(setImmediate);
  }
  return seen;
}

describe("time that something is open", () => {
  test.each([[0, 1n], [1, 1n], [1_000, 1n], [1_001, 2n], [60_000, 60n]])("after %i ms is charged as %s begun seconds", (nowMs, seconds) => {
    expect(open(9n).time.seconds(nowMs)).toBe(seconds);
  });

  test("is held ahead of the clock as long as there is room", async () => {
    const { time, held } = open(1_000n);
    expect(await ticks(time, 60)).toEqual(Array.from({ length: 60 }, () => true));
    expect(held()).toBeGreaterThan(60n);
    expect(held()).toBeLessThan(70n);
  });

  test.each([3n, 4n, 7n, 12n])("of %s seconds is used to the last, and ends before it is more", async (limit) => {
    const { time } = open(limit);
    const seen = await ticks(time, 20);
    expect(seen.indexOf(false) + 1).toBe(Number(limit));
    expect(time.seconds((seen.indexOf(false) + 1) * 1_000)).toBe(limit);
  });

  test("ends when nobody can say whether there is more", async () => {
    const time = new OpenTime(0, { extend: async () => { throw new Error("lost"); } }, new AbortController().signal);
    expect(await ticks(time, 3)).toEqual([true, false, false]);
  });
});
