import { expect, onTestFinished, test } from "vitest";
import { LedgerUnavailable, type LedgerStore } from "../../../../common/ledger/ledger-store.ts";
import { openMemoryLedger } from "../../../../common/ledger/memory-store.ts";
import { budgetConfig } from "../../../../proxy/budget/config.ts";
import type { BudgetEvent } from "../../../../proxy/budget/ledger-context.ts";
import type { AgentIdentity } from "../../../../proxy/model/agent.ts";
import { testLedger } from "../../../support/budget-ledger.ts";
import { TestClock } from "../../../support/test-clock.ts";

const AGENT: AgentIdentity = { namespace: "local", name: "worker", thread: "t1", instance: "i1", user: "ann", labels: {}, chain: [] };
const NEVER = new AbortController().signal;
const TTL_MS = 30_000;

test("a proxy that was cut off while an operator wrote off what it held, and spent it all the same, tells what went over the limit: once", async () => {
  const clock = new TestClock();
  const store = openMemoryLedger({ clock, ttlMs: TTL_MS });
  const state = { isCut: false };
  const through = async <T>(call: () => Promise<T>): Promise<T> => {
    if (state.isCut) throw new LedgerUnavailable("cut off");
    return call();
  };
  const cut: LedgerStore = { ...store, acquire: async (...asked) => through(async () => store.acquire(...asked)), report: async (...asked) => through(async () => store.report(...asked)) };
  const config = budgetConfig.parse({ named: { team: { meter: "requests", window: "total", limit: 10, thresholds: [] } } });
  const events: BudgetEvent[] = [];
  const [far, near] = [testLedger(config, clock, { store: cut, holder: "far", events }), testLedger(config, clock, { store, holder: "near" })];
  onTestFinished(async () => { for (const ledger of [far, near]) await ledger.close(); });
  const charge = (id: string, requests: bigint) => ({ id, agent: AGENT, budgets: ["team"], amounts: { requests } });
  const open = await far.reserve(charge("far", 4n), NEVER);
  state.isCut = true;
  clock.advance(TTL_MS + 1);
  await store.adjust({ kind: "reset", budget: "team", by: "ann", why: "the machine is gone" });
  await (await near.reserve(charge("near", 9n), NEVER)).settle({ requests: 9n });
  await near.turn();
  await open.settle({ requests: 4n });
  state.isCut = false;
  await far.turn();
  await far.turn();
  const over = events.filter(({ event }) => event === "budget.overspent");
  expect(over).toMatchObject([{ outcome: "failed", fields: { budget: "team", amount: "3" } }]);
  expect(await store.standings({ limit: 1 })).toMatchObject([{ settled: 10n, outstanding: 0n, limit: 10n }]);
});
