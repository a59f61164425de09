import { describe, expect, test } from "vitest";
import { FairQueue } from "../../../../proxy/policy/fair-queue.ts";

interface Entry {
  readonly name: string;
  readonly length: number;
  readonly untilMs: number;
}

const named = (name: string, length = 1, untilMs = 1_000): Entry => ({ name, length, untilMs });
const names = (entries: readonly Entry[] | null | undefined) => (entries ?? []).map(({ name }) => name);
const taken = (queue: FairQueue<Entry>) => {
  const entries: string[] = [];
  for (let next = queue.take(); next !== null; next = queue.take()) entries.push(next.entry.name);
  return entries;
};

describe("a fair queue", () => {
  test("lets keys take turns, and within a key who came first", () => {
    const queue = new FairQueue<Entry>();
    for (const entry of ["a1", "a2", "a3", "b1", "c1", "b2"]) queue.add(entry[0] as string, named(entry));
    expect(taken(queue)).toEqual(["a1", "b1", "c1", "a2", "b2", "a3"]);
  });

  test("has a key that comes late wait for one entry of each other, however many they have", () => {
    const queue = new FairQueue<Entry>();
    for (let index = 0; index < 100; index += 1) queue.add("a", named(`a${index}`));
    expect(queue.take()?.entry.name).toBe("a0");
    queue.add("b", named("b0"));
    expect([queue.take()?.entry.name, queue.take()?.entry.name]).toEqual(["a1", "b0"]);
  });

  test("takes so many of one key and no more, and others of other keys", () => {
    const queue = new FairQueue<Entry>();
    const added = Array.from({ length: 1_025 }, (_, index) => queue.add("a", named(`${index}`)));
    expect([added.indexOf(false), queue.add("b", named("b"))]).toEqual([1_024, true]);
  });

  test("takes so much of one group and no more, and of others still; what was taken out makes room", () => {
    const queue = new FairQueue<Entry>(undefined, (key) => key[0] as string);
    const fill = (key: string) => queue.add(key, named(key, 16 << 20));
    expect(["a1", "a2", "a3", "b1", "b2", "c1"].map(fill)).toEqual([true, true, false, true, true, false]);
    queue.drop("a1");
    expect([fill("b3"), fill("a3")]).toEqual([false, true]);
  });

  test("passes over a key that may not have its turn, which keeps it", () => {
    const queue = new FairQueue<Entry>();
    for (const entry of ["a1", "b1", "b2"]) queue.add(entry[0] as string, named(entry));
    expect(queue.take((key) => key !== "a")?.entry.name).toBe("b1");
    expect(queue.take(() => false)).toBeNull();
    expect(taken(queue)).toEqual(["a1", "b2"]);
    queue.add("a", named("a2"));
    expect([names(queue.clear()), queue.take()]).toEqual([["a2"], null]);
  });

  test("gives back what a key has waiting, and goes on with the others", () => {
    const queue = new FairQueue<Entry>();
    for (const entry of ["a1", "b1", "a2"]) queue.add(entry[0] as string, named(entry));
    expect(names(queue.drop("a"))).toEqual(["a1", "a2"]);
    expect(names(queue.drop("a"))).toEqual([]);
    expect(taken(queue)).toEqual(["b1"]);
  });

  test("lets the key go first that has the least to its account, whoever came first", () => {
    const account = new Map([["a", [1, 5]], ["b", [1, 4]], ["c", [2, 0]]]);
    const queue = new FairQueue<Entry>((key) => account.get(key) ?? []);
    for (const entry of ["c1", "a1", "b1", "a2"]) queue.add(entry[0] as string, named(entry));
    expect(queue.take()?.entry.name).toBe("b1");
    account.set("a", [3, 0]);
    expect(taken(queue)).toEqual(["c1", "a1", "a2"]);
  });

  test("holds so much text of one key, so much of all, and more once some is taken", () => {
    const queue = new FairQueue<Entry>();
    const long = 12 << 20;
    expect(["a1", "a2", "a3", "b1", "b2", "c1", "d1"].map((name) => queue.add(name[0] as string, named(name, long)))).toEqual([true, true, false, true, true, true, false]);
    queue.take();
    expect(queue.add("d", named("d2", long))).toBe(true);
  });

  test("gives back what has waited too long, and keeps the rest", () => {
    const queue = new FairQueue<Entry>();
    for (const entry of [named("a1", 1, 10), named("a2", 1, 20), named("b1", 1, 10)]) queue.add(entry.name[0] as string, entry);
    expect([names(queue.expire(9)), names(queue.expire(10)), taken(queue)]).toEqual([[], ["a1", "b1"], ["a2"]]);
  });
});
