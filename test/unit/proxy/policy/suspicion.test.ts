import { describe, expect, test } from "vitest";
import { KINDS, Suspicion } from "../../../../proxy/policy/suspicion.ts";
import { TestClock } from "../../../support/test-clock.ts";

function aSuspicion() {
  const clock = new TestClock();
  return { clock, suspicion: new Suspicion(clock) };
}

describe("suspicion", () => {
  test("pauses an agent over whom a thread was killed, and longer each time", () => {
    const { clock, suspicion } = aSuspicion();
    const pauses: number[] = [];
    for (let kill = 0; kill < 8; kill += 1) {
      suspicion.killed("a/coder");
      let pausedMs = 0;
      for (; suspicion.isPaused("a/coder"); pausedMs += 500) clock.advance(500);
      pauses.push(pausedMs);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  });

  test("pauses nobody else, not even in the same namespace", () => {
    const { suspicion } = aSuspicion();
    suspicion.killed("a/coder");
    expect([suspicion.isPaused("a/reviewer"), suspicion.isPaused("b/coder")]).toEqual([false, false]);
  });

  test("falls on neighbours that never had an answer, and not on those that had, nor on other namespaces", () => {
    const { suspicion } = aSuspicion();
    suspicion.answered("a/reviewer", "exchange", 1);
    suspicion.killed("a/coder");
    expect(["a/coder", "a/new", "a/reviewer", "b/new"].map((agent) => suspicion.isSuspect(agent, "exchange"))).toEqual([true, true, false, false]);
    suspicion.answered("a/new", "exchange", 1);
    expect(suspicion.isSuspect("a/new", "exchange")).toBe(false);
  });

  test("is not lifted by an answer, but by time, and then begins anew", () => {
    const { clock, suspicion } = aSuspicion();
    suspicion.killed("a/coder");
    suspicion.killed("a/coder");
    suspicion.answered("a/coder", "exchange", 1);
    clock.advance(119_999);
    expect(suspicion.isSuspect("a/coder", "exchange")).toBe(true);
    clock.advance(1);
    expect(suspicion.isSuspect("a/coder", "exchange")).toBe(false);
    suspicion.killed("a/coder");
    clock.advance(1_000);
    expect(suspicion.isPaused("a/coder")).toBe(false);
  });

  test("falls on an agent whose failures keep their threads busy, and a failure makes nobody known", () => {
    const { suspicion } = aSuspicion();
    suspicion.failed("a/quick", 1);
    suspicion.failed("b/costly", 30);
    expect(["a/quick", "b/costly"].map((agent) => [suspicion.isNew(agent, "exchange"), suspicion.isSuspect(agent, "exchange")])).toEqual([[true, false], [true, true]]);
  });

  test("falls on an agent whose answers are slow, and on new ones of its namespace, until that is half forgotten", () => {
    const { clock, suspicion } = aSuspicion();
    suspicion.answered("a/known", "exchange", 1);
    suspicion.answered("a/slow", "exchange", 30);
    const suspects = () => ["a/slow", "a/new", "a/known", "b/new"].map((agent) => suspicion.isSuspect(agent, "exchange"));
    expect(suspects()).toEqual([true, true, false, false]);
    clock.advance(5_000);
    expect(suspects()).toEqual([false, false, false, false]);
  });

  test("knows who is quick by what they are asked about, and nobody any more over whom a thread was killed", () => {
    const { suspicion } = aSuspicion();
    const known = () => KINDS.filter((kind) => !suspicion.isNew("a/coder", kind));
    for (const kind of ["name", "connection"] as const) suspicion.answered("a/coder", kind, 1);
    expect(known()).toEqual(["name", "connection"]);
    suspicion.killed("a/other");
    expect([suspicion.isSuspect("a/coder", "connection"), suspicion.isSuspect("a/coder", "body")]).toEqual([false, true]);
    suspicion.killed("a/coder");
    expect(known()).toEqual([]);
  });

  test("outlives a policy, but for its pauses", () => {
    const { suspicion } = aSuspicion();
    suspicion.answered("b/quick", "exchange", 1);
    for (const agent of ["a/coder", "a/second", "b/third"]) suspicion.killed(agent);
    suspicion.endPauses();
    expect(["a/second", "b/third"].map((agent) => suspicion.isPaused(agent))).toEqual([false, false]);
    expect([suspicion.isPaused("a/coder"), suspicion.isSuspect("a/coder", "exchange"), suspicion.isNew("b/quick", "exchange")]).toEqual([false, true, false]);
    suspicion.killed("a/coder");
    expect(suspicion.isPaused("a/coder")).toBe(true);
  });

  test("does not fall on an agent for one slow moment, nor for a great many quick answers", () => {
    const { suspicion } = aSuspicion();
    suspicion.answered("a/coder", "exchange", 15);
    for (let count = 0; count < 1_000; count += 1) suspicion.answered("a/coder", "exchange", 9);
    expect([suspicion.isSuspect("a/coder", "exchange"), suspicion.isNew("a/coder", "exchange"), suspicion.isNew("a/other", "exchange")]).toEqual([false, false, true]);
  });
});
