import { describe, expect, test } from "vitest";
import { KubeError } from "../../../../common/kube/kube-api.ts";
import { instantOf, NotLeadingError, RenewedTerm } from "../../../../controller/kube/term.ts";
import { TestClock } from "../../../support/test-clock.ts";

const LIMITS = { writesMs: 7_000, workMs: 10_000, doubtMs: 8_000 };

function aTerm(): { clock: TestClock; term: RenewedTerm } {
  const clock = new TestClock();
  return { clock, term: new RenewedTerm(3, instantOf(clock), clock, LIMITS) };
}

describe("a term", () => {
  test("lets writes begin until a write could outlive it, and the work go on a little longer", () => {
    const { clock, term } = aTerm();
    clock.advance(6_999);
    expect(() => { term.check(); }).not.toThrow();
    clock.advance(1);
    expect(() => { term.check(); }).toThrow(NotLeadingError);
    expect(term.leftMs()).toBe(3_000);
  });

  test("counts from when the renewal was sent, however late it was answered", () => {
    const { clock, term } = aTerm();
    const sent = instantOf(clock);
    clock.advance(6_000);
    term.renewed(sent);
    clock.advance(1_000);
    expect(() => { term.check(); }).toThrow("was not renewed for 7000 ms");
  });

  test("ends writes when only the wall clock has moved: the machine was frozen", () => {
    const { clock, term } = aTerm();
    clock.jump(60_000);
    expect(() => { term.check(); }).toThrow(NotLeadingError);
  });

  test("is not prolonged by a wall clock that was set back", () => {
    const { clock, term } = aTerm();
    clock.jump(-3_600_000);
    clock.advance(7_000);
    expect(() => { term.check(); }).toThrow(NotLeadingError);
  });

  test("stays over, also when it is renewed afterwards", () => {
    const { clock, term } = aTerm();
    term.end("of the test");
    term.renewed(instantOf(clock));
    expect(() => { term.check(); }).toThrow("term 3 is over: of the test");
    expect(term.leftMs()).toBe(0);
    expect(term.signal.aborted).toBe(true);
  });

  test("that is finished lets nothing begin any more, and waits for what has begun", async () => {
    const { term } = aTerm();
    const answer = Promise.withResolvers<string>();
    const writing = term.write(async () => answer.promise);
    let isFinished = false;
    const finishing = term.finish("of the test").then((isSettled) => { isFinished = true; return isSettled; });
    await expect(term.write(async () => "late")).rejects.toThrow(NotLeadingError);
    expect([isFinished, term.signal.aborted]).toEqual([false, false]);
    answer.resolve("written");
    expect([await writing, await finishing, term.signal.aborted]).toEqual(["written", true, true]);
  });

  test.each([
    ["no answer came", new KubeError(0, "Timeout", "?"), false], ["the server ran out of time", new KubeError(504, "Timeout", "?"), false],
    ["the server failed", new KubeError(500, "InternalError", "?"), false], ["it was given up", new Error("aborted"), false],
    ["it was refused", new KubeError(409, "Conflict", "?"), true], ["it was invalid", new KubeError(422, "Invalid", "?"), true],
  ])("is settled after a write of which %s: %#", async (_what, error, isSettled) => {
    const { term } = aTerm();
    await expect(term.write(async () => { throw error; })).rejects.toBe(error);
    expect(await term.finish("of the test")).toBe(isSettled);
  });

  test("is settled again when a write without an answer cannot happen any more", async () => {
    const { clock, term } = aTerm();
    await expect(term.write(async () => { throw new KubeError(0, "Timeout", "?"); })).rejects.toThrow("?");
    clock.advance(8_000);
    expect(await term.finish("of the test")).toBe(true);
  });
});
