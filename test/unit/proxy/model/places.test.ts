import { expect, test } from "vitest";
import { Places } from "../../../../proxy/model/places.ts";

test("a member is in from add until its function is called, and a second call takes nobody else out", () => {
  const places = new Places<string>();
  const leaveA = places.add("a");
  places.add("b");
  leaveA();
  places.add("c");
  leaveA();
  expect(places.members().toSorted()).toEqual(["b", "c"]);
  expect(places.size).toBe(2);
});

test("places are used again, so that many who come and go need no more room than those who are in at once", () => {
  const places = new Places<number>();
  const stay = places.add(-1);
  for (let count = 0; count < 1_000; count += 1) places.add(count)();
  expect([places.members(), places.size]).toEqual([[-1], 1]);
  stay();
  expect([places.members(), places.size]).toEqual([[], 0]);
});

test("who is asked while others leave is a list of its own", () => {
  const places = new Places<string>();
  const leave = places.add("a");
  const before = places.members();
  leave();
  expect([before, places.members()]).toEqual([["a"], []]);
});
