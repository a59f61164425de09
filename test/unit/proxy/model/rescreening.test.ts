import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Reconsiderable } from "../../../../proxy/model/live.ts";
import { Rescreening } from "../../../../proxy/model/rescreening.ts";
import { AN_AGENT } from "../../../support/credentials.ts";
import { TestClock } from "../../../support/test-clock.ts";

/** Members that answer when they are told to, and what was asked of them. */
class Stand {
  readonly clock = new TestClock();
  readonly rescreening = new Rescreening({ clock: this.clock, overdue: () => new Error("overdue") });
  readonly asked: string[] = [];
  readonly ended: string[] = [];
  readonly #answers: { readonly name: string; readonly answer: PromiseWithResolvers<void> }[] = [];

  member(name: string, namespace = "n"): Reconsiderable {
    const reconsider = async () => {
      this.asked.push(name);
      const answer = Promise.withResolvers<void>();
      this.#answers.push({ name, answer });
      await answer.promise;
    };
    return { agent: name === "nobody" ? null : { ...AN_AGENT, namespace, name }, reconsider, end: ({ message }) => { this.ended.push(`${name}: ${message}`); } };
  }

  members(name: string, count: number): Reconsiderable[] {
    return Array.from({ length: count }, () => this.member(name));
  }

  get waiting(): number {
    return this.#answers.length;
  }

  async answer(name?: string): Promise<void> {
    const at = name === undefined ? 0 : this.#answers.findIndex((waiting) => waiting.name === name);
    const [waiting] = this.#answers.splice(at, 1);
    waiting?.answer.resolve();
    await nextTurn();
    await nextTurn();
  }

  async answerAll(): Promise<void> {
    while (this.waiting > 0) await this.answer();
  }
}
const countOf = (asked: readonly string[], name: string) => asked.filter((each) => each === name).length;

test("everybody is asked once, and it is over when all have answered", async () => {
  const stand = new Stand();
  let isOver = false;
  const over = stand.rescreening.ask([...stand.members("a", 100), ...stand.members("nobody", 10)]).then(() => { isOver = true; });
  while (stand.waiting > 1) await stand.answer();
  expect(isOver).toBe(false);
  await stand.answerAll();
  await over;
  expect([countOf(stand.asked, "a"), countOf(stand.asked, "nobody")]).toEqual([100, 10]);
});

test("with nobody to ask it is over at once", async () => {
  await new Stand().rescreening.ask([]);
});

test("of one agent four are asked at a time, and its many keep no other agent waiting", async () => {
  const stand = new Stand();
  const over = stand.rescreening.ask([...stand.members("many", 3_000), ...stand.members("few", 2)]);
  expect(stand.asked.toSorted()).toEqual(["few", "few", "many", "many", "many", "many"]);
  const later = stand.rescreening.ask(stand.members("later", 1));
  expect(countOf(stand.asked, "later")).toBe(1);
  await stand.answer("many");
  expect(countOf(stand.asked, "many")).toBe(5);
  await stand.answerAll();
  await Promise.all([over, later]);
  expect(countOf(stand.asked, "many")).toBe(3_000);
});

test("of all agents of a namespace, eight are asked at a time, and other namespaces beside them", async () => {
  const stand = new Stand();
  const over = stand.rescreening.ask(Array.from({ length: 100 }, (_, at) => stand.member(`agent-${at}`)));
  expect(stand.waiting).toBe(8);
  await stand.answer();
  expect(stand.waiting).toBe(8);
  const elsewhere = stand.rescreening.ask([stand.member("other", "elsewhere")]);
  expect(stand.asked.at(-1)).toBe("other");
  await stand.answer("other");
  await elsewhere;
  await stand.answerAll();
  await over;
  expect(new Set(stand.asked).size).toBe(101);
});

test("who could not be asked for five seconds is ended, and who was due later is asked", async () => {
  const stand = new Stand();
  const over = stand.rescreening.ask(stand.members("a", 6));
  stand.clock.advance(4_999);
  const later = stand.rescreening.ask(stand.members("a", 1));
  await stand.answer();
  expect([stand.asked.length, stand.ended]).toEqual([5, []]);
  stand.clock.advance(1);
  await stand.answerAll();
  await Promise.all([over, later]);
  expect([stand.asked.length, stand.ended]).toEqual([6, ["a: overdue"]]);
});

test("a second change asks again who has been asked, and nobody twice who is still due", async () => {
  const stand = new Stand();
  const members = stand.members("a", 10);
  const first = stand.rescreening.ask(members);
  expect(stand.asked.length).toBe(4);
  const second = stand.rescreening.ask(members);
  await stand.answerAll();
  await Promise.all([first, second]);
  expect(stand.asked.length).toBe(14);
});

test("who is over is not asked any more, and who throws stops nobody else", async () => {
  const stand = new Stand();
  const [gone, ...others] = stand.members("a", 10);
  const broken: Reconsiderable = { agent: { ...AN_AGENT, name: "b" }, reconsider: async () => { throw new Error("ended"); }, end: () => {} };
  const over = stand.rescreening.ask([broken, ...others, gone as Reconsiderable]);
  stand.rescreening.forget(gone as Reconsiderable);
  await stand.answerAll();
  await over;
  expect(stand.asked.length).toBe(9);
});
