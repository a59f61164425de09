import { describe, expect, test } from "vitest";
import { FairQueue } from "../../../../proxy/policy/fair-queue.ts";

const taken = (queue: FairQueue<string>) => {
  const entries: string[] = [];
  for (let next = queue.take(); next !== null; next = queue.take()) entries.push(next.entry);
  return entries;
};

describe("a fair queue", () => {
  test("lets keys take turns, and within a key who came first", () => {
    const queue = new FairQueue<string>();
    for (const entry of ["a1", "a2", "a3", "b1", "c1", "b2"]) queue.add(entry[0] as string, entry);
    expect(taken(queue)).toEqual(["a1", "b1", "c1", "a2", "b2", "a3"]);
  });

  test("has a key that comes late wait for one entry of each other, however many they have", () => {
    const queue = new FairQueue<string>();
    for (let index = 0; index < 100; index += 1) queue.add("a", `a${index}`);
    expect(queue.take()?.entry).toBe("a0");
    queue.add("b", "b0");
    expect([queue.take()?.entry, queue.take()?.entry]).toEqual(["a1", "b0"]);
  });

  test("takes so many of one key and no more, and others of other keys", () => {
    const queue = new FairQueue<string>();
    const added = Array.from({ length: 1_025 }, (_, index) => queue.add("a", `${index}`));
    expect([added.indexOf(false), queue.add("b", "b")]).toEqual([1_024, true]);
  });

  test("passes over a key that may not have its turn, which keeps it", () => {
    const queue = new FairQueue<string>();
    for (const entry of ["a1", "b1", "b2"]) queue.add(entry[0] as string, entry);
    expect(queue.take((key) => key !== "a")?.entry).toBe("b1");
    expect(queue.take(() => false)).toBeNull();
    expect(taken(queue)).toEqual(["a1", "b2"]);
    queue.add("a", "a2");
    expect([queue.clear(), queue.take()]).toEqual([["a2"], null]);
  });

  test("gives back what a key has waiting, and goes on with the others", () => {
    const queue = new FairQueue<string>();
    for (const entry of ["a1", "b1", "a2"]) queue.add(entry[0] as string, entry);
    expect(queue.drop("a")).toEqual(["a1", "a2"]);
    expect(queue.drop("a")).toEqual([]);
    expect(taken(queue)).toEqual(["b1"]);
  });
});
