import { expect, test } from "vitest";
import type { BudgetLedger, Charge, Reservation } from "../../../../proxy/budget/budget-ledger.ts";
import { noticingLedger } from "../../../../proxy/budget/noticing-ledger.ts";
import { EgressError } from "../../../../proxy/errors.ts";
import { noActivity, type Lack } from "../../../../proxy/model/activity.ts";

const { signal } = new AbortController();
const charge = { id: "x", agent: { name: "coder" }, budgets: [], amounts: { usd: 5n } } as unknown as Charge;

function stand(outcome: () => Promise<Reservation>) {
  const lacks: Lack[] = [];
  const afforded: unknown[] = [];
  const ledger: Pick<BudgetLedger, "reserve"> = { reserve: outcome };
  const activity = { ...noActivity, exhausted: (_agent: unknown, lack: Lack) => { lacks.push(lack); }, afforded: (_agent: unknown, amounts: unknown) => { afforded.push(amounts); } };
  return { lacks, afforded, ledger: noticingLedger(ledger as BudgetLedger, activity) };
}

test("what a budget refuses is noted with the budget, its words and when it opens; and refused as before", async () => {
  const error = new EgressError("budget.exhausted", "no", { opensAtMs: 7, explanation: { rule: "budget.team-a.daily", reason: "$2.00 per day", hint: "wait" } });
  const { lacks, afforded, ledger } = stand(async () => { throw error; });
  await expect(ledger.reserve(charge, signal)).rejects.toBe(error);
  expect([lacks, afforded]).toEqual([[{ budget: "team-a.daily", reason: "$2.00 per day", opensAtMs: 7, amounts: { usd: 5n } }], []]);
});

test("what there is room for is noted, too; a ledger that is away says nothing of anybody", async () => {
  const reservation = {} as Reservation;
  const good = stand(async () => reservation);
  expect(await good.ledger.reserve(charge, signal)).toBe(reservation);
  expect([good.lacks, good.afforded]).toEqual([[], [{ usd: 5n }]]);
  const away = stand(async () => { throw new EgressError("budget.unavailable", "no answer"); });
  await expect(away.ledger.reserve(charge, signal)).rejects.toMatchObject({ code: "budget.unavailable" });
  expect([away.lacks, away.afforded]).toEqual([[], []]);
});
