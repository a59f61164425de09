import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../../common/clock.ts";
import { openMemoryLedger } from "../../../../common/ledger/memory-store.ts";
import { budgetConfig } from "../../../../proxy/budget/config.ts";
import type { LeasingLedger } from "../../../../proxy/budget/leasing-ledger.ts";
import type { AgentIdentity } from "../../../../proxy/model/agent.ts";
import { testLedger } from "../../../support/budget-ledger.ts";

const NEVER = new AbortController().signal;
const AGENT: AgentIdentity = { namespace: "local", name: "worker", thread: "t1", instance: "i1", user: "ann", labels: {}, chain: [] };
const LIMIT = 1_000n;

/** Three proxies with the times of a real one: two have spent a little, and hold more ahead. */
async function start() {
  const store = openMemoryLedger({ clock: systemClock });
  const config = budgetConfig.parse({ named: { team: { meter: "requests", limit: Number(LIMIT), window: "total" } } });
  const ledgers = ["first", "second", "third"].map((holder) => testLedger(config, systemClock, { store, holder }));
  onTestFinished(async () => {
    for (const ledger of ledgers) await ledger.close();
    await store.close();
  });
  let ids = 0;
  const reserve = async (ledger: LeasingLedger | undefined, requests: bigint) =>
    ledger!.reserve({ id: `e${ids += 1}`, agent: AGENT, budgets: ["team"], amounts: { requests } }, NEVER);
  for (const idle of ledgers.slice(0, 2)) for (let index = 0; index < 20; index += 1) await (await reserve(idle, 1n)).settle({ requests: 1n });
  const outstanding = async () => (await store.standings({ budget: "team", limit: 1 }))[0]?.outstanding ?? 0n;
  return { third: ledgers[2], reserve, outstanding };
}

describe("what proxies hold ahead and do not need", () => {
  test("goes within two seconds to another that needs everything but what is used, and nothing beyond", async () => {
    const { third, reserve, outstanding } = await start();
    expect(await outstanding()).toBeGreaterThan(0n);
    const before = performance.now();
    await reserve(third, LIMIT - 40n);
    expect(performance.now() - before).toBeLessThan(2_000);
    await expect(reserve(third, 1n)).rejects.toMatchObject({ code: "budget.exhausted" });
  });
});
