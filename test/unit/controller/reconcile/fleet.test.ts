import { expect, test } from "vitest";
import { Fleet } from "../../../../controller/reconcile/fleet.ts";

const AGENT = "team/helper";
const seeker = (key: string, oldestUnreadMs = 0) => ({ key, agentKey: AGENT, oldestUnreadMs });
const limits = (max: number, warm = 0) => ({ max, warm });

test("there is room up to the agent's maximum, and not above", () => {
  const fleet = new Fleet();
  fleet.occupy("a", AGENT, 0);
  expect(fleet.turnOf(seeker("b"), limits(2)).hasRoom).toBe(true);
  fleet.occupy("b", AGENT, 0);
  expect(fleet.turnOf(seeker("c"), limits(2)).hasRoom).toBe(false);
  expect(fleet.turnOf(seeker("c"), limits(3)).hasRoom).toBe(true);
});

test("a maximum of none leaves no room for the first", () => {
  expect(new Fleet().turnOf(seeker("a"), limits(0)).hasRoom).toBe(false);
});

test("a thread's own place is not in its way", () => {
  const fleet = new Fleet();
  fleet.occupy("a", AGENT, 0);
  expect(fleet.turnOf(seeker("a"), limits(1)).hasRoom).toBe(true);
});

test("another agent's instances take no place", () => {
  const fleet = new Fleet();
  fleet.occupy("a", "team/other", 0);
  expect(fleet.turnOf(seeker("b"), limits(1)).hasRoom).toBe(true);
});

test("who comes later does not overtake who waits", () => {
  const fleet = new Fleet();
  fleet.occupy("a", AGENT, 0);
  fleet.wait(seeker("b", 10));
  expect(fleet.leave("a")).toEqual(["b"]);
  expect(fleet.turnOf(seeker("late", 20), limits(1)).hasRoom).toBe(false);
  expect(fleet.turnOf(seeker("b", 10), limits(1)).hasRoom).toBe(true);
});

test("of two that have waited equally long exactly one goes first", () => {
  const fleet = new Fleet();
  fleet.wait(seeker("a", 10));
  fleet.wait(seeker("b", 10));
  expect(["a", "b"].map((key) => fleet.turnOf(seeker(key, 10), limits(1)).hasRoom)).toEqual([true, false]);
});

test("a place is offered to the one that has waited longest, and on to the next if that one does not take it", () => {
  const fleet = new Fleet();
  fleet.occupy("a", AGENT, 0);
  fleet.wait(seeker("b", 20));
  fleet.wait(seeker("c", 10));
  expect(fleet.leave("a")).toEqual(["c"]);
  expect(fleet.leave("c")).toEqual(["b"]);
});

test("who takes a place hands on the question whether there is another", () => {
  const fleet = new Fleet();
  fleet.wait(seeker("b", 10));
  fleet.wait(seeker("c", 20));
  expect(fleet.occupy("b", AGENT, 0)).toEqual(["c"]);
  expect(fleet.occupy("c", AGENT, 0)).toEqual([]);
});

test("the threads used last are warm", () => {
  const fleet = new Fleet();
  for (const [key, usedAtMs] of [["a", 10], ["b", 30], ["c", 20]] as const) fleet.occupy(key, AGENT, usedAtMs);
  expect(["a", "b", "c"].map((key) => fleet.turnOf(seeker(key), limits(9, 2)).isWarm)).toEqual([false, true, true]);
});

test("a thread that was just opened is among the warm, and takes the place of the one used least", () => {
  const fleet = new Fleet();
  fleet.occupy("t/a", "t/helper", 1);
  fleet.occupy("t/b", "t/helper", 2);
  fleet.propose({ key: "t/c", agentKey: "t/helper" }, 3);
  const isWarm = (key: string) => fleet.turnOf({ key, agentKey: "t/helper", oldestUnreadMs: null }, { max: 9, warm: 2 }).isWarm;
  expect(["t/a", "t/b", "t/c"].map(isWarm)).toEqual([false, true, true]);
  expect(fleet.instancesOf("t/helper")).toBe(2);
});

test("of many threads that were opened only the last ones are warm, whichever asks first", () => {
  const fleet = new Fleet();
  for (const [key, openedMs] of [["t/a", 1], ["t/c", 3], ["t/b", 2]] as const) fleet.propose({ key, agentKey: "t/helper" }, openedMs);
  const isWarm = (key: string) => fleet.turnOf({ key, agentKey: "t/helper", oldestUnreadMs: null }, { max: 9, warm: 1 }).isWarm;
  expect(["t/a", "t/b", "t/c"].map(isWarm)).toEqual([false, false, true]);
});

test("when an instance goes and nobody waits, the thread opened last is asked; one that is used or gone is asked no more", () => {
  const fleet = new Fleet();
  fleet.occupy("t/a", "t/helper", 1);
  fleet.propose({ key: "t/b", agentKey: "t/helper" }, 2);
  fleet.propose({ key: "t/c", agentKey: "t/helper" }, 3);
  expect(fleet.leave("t/a")).toEqual(["t/c"]);
  fleet.occupy("t/c", "t/helper", 4);
  expect(fleet.leave("t/c")).toEqual(["t/b"]);
  expect(fleet.leave("t/b")).toEqual([]);
});

test("an instance that was started ahead goes before threads that are opened later, until its time says otherwise", () => {
  const fleet = new Fleet();
  fleet.occupy("t/a", "t/helper", Infinity);
  fleet.propose({ key: "t/b", agentKey: "t/helper" }, 9);
  const isWarm = (key: string) => fleet.turnOf({ key, agentKey: "t/helper", oldestUnreadMs: null }, { max: 9, warm: 1 }).isWarm;
  expect([isWarm("t/a"), isWarm("t/b")]).toEqual([true, false]);
  expect(fleet.occupy("t/a", "t/helper", 1)).toEqual(["t/b"]);
  expect([isWarm("t/a"), isWarm("t/b")]).toEqual([false, true]);
});

test("a pod that is seen before its turn goes before threads without one, and what its turn has said stays", () => {
  const fleet = new Fleet();
  fleet.notice("t/a", "t/helper");
  fleet.propose({ key: "t/b", agentKey: "t/helper" }, 9);
  const isWarm = (key: string) => fleet.turnOf({ key, agentKey: "t/helper", oldestUnreadMs: null }, { max: 9, warm: 1 }).isWarm;
  expect(isWarm("t/b")).toBe(false);
  fleet.occupy("t/a", "t/helper", 1);
  fleet.notice("t/a", "t/helper");
  expect(isWarm("t/b")).toBe(true);
});

test("nobody is kept warm while another thread waits, and the one used least is asked", () => {
  const fleet = new Fleet();
  fleet.occupy("a", AGENT, 10);
  fleet.occupy("b", AGENT, 20);
  expect(fleet.wait(seeker("c", 5))).toEqual(["a"]);
  expect(fleet.turnOf(seeker("a"), limits(2, 2)).isWarm).toBe(false);
});

test("instances are counted once, whatever is told twice", () => {
  const fleet = new Fleet();
  fleet.occupy("a", AGENT, 0);
  fleet.occupy("a", AGENT, 5);
  fleet.occupy("b", AGENT, 0);
  fleet.leave("b");
  fleet.leave("b");
  expect([fleet.instancesOf(AGENT), fleet.instancesOf("team/other")]).toEqual([1, 0]);
});
