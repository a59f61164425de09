import { expect, test } from "vitest";
import { viewsOf } from "../../../../cli/budget/budget-view.ts";
import { budgetJson, printBudget, printBudgets } from "../../../../cli/budget/print-budgets.ts";
import { recordingIo } from "../../../support/cli.ts";
import { standing } from "../../../support/budget-book.ts";

const agents = ["a", "b"].map((agent) => standing({ settled: agent === "a" ? 0n : 10_000_000_000n }, { scope: "agent", shared: ["local", agent] }));

test("one line says how a budget stands, by its fullest count; money is dollars, exactly", () => {
  const io = recordingIo();
  printBudgets(viewsOf([standing()], []), io, 0);
  printBudgets(viewsOf(agents, []), io, 0);
  expect(io.said().out.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
    ["BUDGET", "METER", "WINDOW", "LIMIT", "SPENT", "HELD", "LEFT", "%", "RESETS", "FOR"],
    ["team-a", "usd", "day", "$20.00", "$5.000000001", "$1.00", "$13.999999999", "25", "in 24h", "all"],
    ["BUDGET", "METER", "WINDOW", "LIMIT", "SPENT", "HELD", "LEFT", "%", "RESETS", "FOR"],
    ["team-a", "usd", "day", "$20.00", "$10.00", "$1.00", "$9.00", "50", "in 24h", "local/b and 1 more"],
  ]);
});

test("a terminal sees a bar as well", () => {
  const io = { ...recordingIo(), isTerminal: true };
  const said = recordingIo();
  printBudgets(viewsOf([standing()], []), { ...io, out: said.out }, 0);
  expect(said.said().out).toContain("██░░░░░░░░ 25");
});

test("one budget shows each count, what was changed by hand, and what a person should know", () => {
  const io = recordingIo();
  const [view] = viewsOf([standing({ limit: 50_000_000_000n, topUp: 1_000_000_000n, estimated: 2n, lost: 3n, waitsAtPercent: 80 })], []);
  if (view !== undefined) printBudget(view, io, 0);
  const { out } = io.said();
  for (const part of ["the configured limit is $20.00", "weir budget approve team-a", "$1.00 of the limit were added", "$0.000000002 of what is spent are estimates", "$0.000000003 are held by a proxy"]) {
    expect(out).toContain(part);
  }
});

test("JSON has exact texts, and no number for an amount", () => {
  expect(budgetJson(viewsOf([standing()], []))).toMatchObject({ budgets: [{ budget: "team-a", counts: [{ limit: "20000000000", spent: "5000000001", resetsAtMs: 86_400_000 }] }] });
});
