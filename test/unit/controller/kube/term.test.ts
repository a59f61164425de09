import { describe, expect, test } from "vitest";
import { instantOf, NotLeadingError, RenewedTerm } from "../../../../controller/kube/term.ts";
import { TestClock } from "../../../support/test-clock.ts";

const LIMITS = { writesMs: 7_000, workMs: 10_000 };

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
});
