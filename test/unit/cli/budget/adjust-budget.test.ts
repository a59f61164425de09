import { describe, expect, test } from "vitest";
import { adjustBudget, type AdjustWish } from "../../../../cli/budget/adjust-budget.ts";
import { EXIT } from "../../../../common/exit-codes.ts";
import { bookOf, standing } from "../../../support/budget-book.ts";

const wish = (over: Partial<AdjustWish> = {}): AdjustWish => ({ kind: "topup", name: "team-a", amount: "2.5", why: "release", isConfirmed: false, ...over });
const nobody = async () => null;
const says = (...answers: string[]) => async () => answers.shift() ?? null;

describe("a word on a budget", () => {
  test.each<[string, Partial<AdjustWish>, object]>([
    ["topup adds to this window", {}, { kind: "topup", amount: 2_500_000_000n }],
    ["set changes the limit", { kind: "set", amount: "100" }, { kind: "set", limit: 100_000_000_000n }],
    ["set configured takes that back", { kind: "set", amount: "configured" }, { kind: "set", limit: null }],
    ["reset begins anew", { kind: "reset", isConfirmed: true }, { kind: "reset" }],
  ])("%s, with its reason", async (_, over, order) => {
    const { book, orders } = bookOf([standing()]);
    await adjustBudget(book, wish(over), nobody);
    expect(orders).toEqual([{ budget: "team-a", why: "release", ...order }]);
  });

  test("approve goes on past a threshold that waits, and is refused where none does", async () => {
    const waiting = bookOf([standing({ waitsAtPercent: 80 })]);
    await adjustBudget(waiting.book, wish({ kind: "approve" }), nobody);
    expect(waiting.orders).toEqual([{ budget: "team-a", why: "release", kind: "approve" }]);
    const { book, orders } = bookOf([standing()]);
    await expect(adjustBudget(book, wish({ kind: "approve" }), nobody)).rejects.toThrow("no threshold of team-a waits");
    expect(orders).toEqual([]);
  });

  test("a reason is asked for at a terminal, and without one nothing is done", async () => {
    const { book, orders } = bookOf([standing()]);
    await adjustBudget(book, wish({ why: undefined }), says(" night shift "));
    expect(orders[0]).toMatchObject({ why: "night shift" });
    for (const ask of [nobody, says("  ")]) {
      await expect(adjustBudget(book, wish({ why: undefined }), ask)).rejects.toMatchObject({ exitCode: EXIT.usage, hint: expect.stringContaining("--why") as string });
    }
    expect(orders).toHaveLength(1);
  });

  test("a reset is confirmed, by a person or by --yes, and says what it forgets", async () => {
    const { book, orders } = bookOf([standing({ lost: 1_000_000_000n })]);
    const asked: string[] = [];
    await adjustBudget(book, wish({ kind: "reset" }), async (question) => {
      asked.push(question);
      return "y";
    });
    expect(asked[0]).toMatch(/\$5\.000000001 that were spent from team-a .* \$1\.00 that may have been/);
    await expect(adjustBudget(book, wish({ kind: "reset" }), says("n"))).rejects.toThrow("nothing was reset");
    await expect(adjustBudget(book, wish({ kind: "reset" }), nobody)).rejects.toMatchObject({ hint: "Give --yes.", exitCode: EXIT.usage });
    expect(orders).toHaveLength(1);
  });

  test("--for means one count alone, and must be one that there is", async () => {
    const agent = standing({}, { scope: "agent", shared: ["local", "writer"] });
    const { book, orders } = bookOf([agent]);
    await adjustBudget(book, wish({ who: "local/writer" }), nobody);
    expect(orders).toMatchObject([{ key: agent.account.key }]);
    await expect(adjustBudget(book, wish({ who: "local/other" }), nobody)).rejects.toThrow("team-a keeps no count for local/other");
  });

  test("a budget that there is not names those that are like it", async () => {
    const { book } = bookOf([standing()]);
    await expect(adjustBudget(book, wish({ name: "team-b" }), nobody)).rejects.toMatchObject({ message: "there is no budget team-b on this machine", hint: "Did you mean team-a?" });
    await expect(adjustBudget(bookOf([]).book, wish(), nobody)).rejects.toMatchObject({ hint: expect.stringContaining("docs/budgets.md") as string });
  });

  test("on a budget that nobody has used changes nothing, and says so", async () => {
    const { book, orders } = bookOf([], [{ budget: "team-a", meter: "usd", limit: 1n, window: "day", timezone: "UTC" }]);
    await expect(adjustBudget(book, wish(), nobody)).rejects.toThrow("nobody has used team-a yet");
    expect(orders).toEqual([]);
  });

  test("an amount that is none, or nothing, changes nothing", async () => {
    const { book, orders } = bookOf([standing()]);
    for (const amount of ["1,000", "0"]) await expect(adjustBudget(book, wish({ amount }), nobody)).rejects.toMatchObject({ exitCode: EXIT.usage });
    expect(orders).toEqual([]);
  });
});
