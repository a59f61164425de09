import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../common/clock.ts";
import { silentLog } from "../common/log.ts";
import type { BudgetLedger } from "../proxy/budget/budget-ledger.ts";
import { budgetConfig } from "../proxy/budget/config.ts";
import { openBudget } from "../proxy/budget/open-budget.ts";

/** What budgets add to a request: CPU time of the whole process for a reservation and its settlement. */
export interface SpendResult {
  readonly scenario: string;
  readonly requests: number;
  readonly cpuMicros: number;
}

const NEVER = new AbortController().signal;
const AGENT = { namespace: "bench", name: "agent", thread: "t1", instance: "i1", user: "ann", labels: {}, chain: [] };
const USD = { meter: "usd", limit: "1000000", window: "month" } as const;
/** Four that policy names, of which three have parents: six counts, with what the agent has for itself eight. */
const BUDGETS = {
  perAgent: { requests: 1_000_000_000, usd: "1000000", window: "day" },
  named: {
    org: USD, team: { ...USD, parent: "org" }, user: { ...USD, per: "user", parent: "team" }, thread: { ...USD, per: "thread", parent: "team" },
    tokens: { meter: "tokens", limit: 1_000_000_000_000, window: "month" }, traffic: { meter: "bytes", limit: 1_000_000_000_000, window: "month" },
  },
};
const NAMES = ["user", "thread", "tokens", "traffic"];
const HELD = { requests: 1n, usd: 20_000_000n, tokens: 9_000n };
const USED = { requests: 1n, usd: 7_654_321n, tokens: 4_321n, bytes: 12_345n };

/** With an embedded ledger and its journal, and without budgets, in turns: one request after the other, and sixty-four at a time. */
export async function run(requests = 20_000): Promise<SpendResult[]> {
  const directory = await mkdtemp(join(tmpdir(), "weir-bench-"));
  const context = { clock: systemClock, log: silentLog, stateDirectory: directory, onEvent: () => undefined, controller: null };
  const [counted, free] = [await openBudget(budgetConfig.parse(BUDGETS), context), await openBudget(budgetConfig.parse({}), context)];
  const results: SpendResult[] = [];
  try {
    for (const atOnce of [1, 64]) {
      for (const [name, { ledger }, budgets] of [["without budgets", free, []], ["eight counts, journal on", counted, NAMES]] as const) {
        await drive(ledger, budgets, { requests: requests / 4, atOnce });
        const before = process.cpuUsage();
        await drive(ledger, budgets, { requests, atOnce });
        const { user, system } = process.cpuUsage(before);
        results.push({ scenario: `reserve and settle, ${atOnce} at a time, ${name}`, requests, cpuMicros: (user + system) / requests });
      }
    }
  } finally {
    await counted.close();
    await free.close();
    await rm(directory, { recursive: true });
  }
  return results;
}

async function drive(ledger: BudgetLedger, budgets: readonly string[], { requests, atOnce }: { readonly requests: number; readonly atOnce: number }): Promise<void> {
  let left = requests;
  await Promise.all(Array.from({ length: atOnce }, async (_none, lane) => {
    for (; left > 0;) {
      left -= 1;
      const reservation = await ledger.reserve({ id: `${lane}.${left}`, agent: AGENT, budgets, amounts: HELD }, NEVER);
      reservation.take("in", 12_345);
      await reservation.settle(USED);
    }
  }));
}

if (import.meta.main) {
  for (const { scenario, cpuMicros } of await run()) process.stdout.write(`${scenario.padEnd(70)} ${cpuMicros.toFixed(1).padStart(7)} us CPU each\n`);
}
