import { expect, onTestFinished, test, vi } from "vitest";
import { ClaimRefused, type LedgerStore } from "../../../../common/ledger/ledger-store.ts";
import { openMemoryLedger } from "../../../../common/ledger/memory-store.ts";
import { budgetConfig } from "../../../../proxy/budget/config.ts";
import type { BudgetEvent } from "../../../../proxy/budget/ledger-context.ts";
import type { AgentIdentity } from "../../../../proxy/model/agent.ts";
import { testLedger } from "../../../support/budget-ledger.ts";
import { TestClock } from "../../../support/test-clock.ts";

const AGENT: AgentIdentity = { namespace: "local", name: "worker", thread: "t1", instance: "i1", user: "ann", labels: {}, chain: [] };

test("what the ledger does not count any more is refused at once, what was used of it is told, and the ledger is not taken for lost", async () => {
  const clock = new TestClock();
  const store = openMemoryLedger({ clock });
  const state = { isRefusing: false };
  const refusing: LedgerStore = {
    ...store,
    acquire: async (...asked) => {
      if (state.isRefusing) throw new ClaimRefused("the budget is another by now");
      return store.acquire(...asked);
    },
  };
  const events: BudgetEvent[] = [];
  const ledger = testLedger(budgetConfig.parse({ named: { team: { meter: "requests", window: "total", limit: 3 } } }), clock, { store: refusing, holder: "proxy", events });
  onTestFinished(async () => ledger.close());
  const reserve = async (id: string, requests: bigint) => ledger.reserve({ id, agent: AGENT, budgets: ["team"], amounts: { requests } }, new AbortController().signal);
  const open = await reserve("e1", 1n);
  state.isRefusing = true;
  await expect(reserve("e2", 2n)).rejects.toMatchObject({ code: "budget.unavailable" });
  await open.settle({ requests: 2n });
  await vi.waitFor(() => { expect(events).toMatchObject([{ event: "budget.overspent", fields: { budget: "team", amount: "1" } }]); });
  await ledger.turn();
  state.isRefusing = false;
  await (await reserve("e3", 1n)).settle({ requests: 1n });
  expect(events).toHaveLength(1);
});
