import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LedgerStore } from "../../../../common/ledger/ledger-store.ts";
import { openMemoryLedger } from "../../../../common/ledger/memory-store.ts";
import { openSqlLedger } from "../../../../common/ledger/open-ledger.ts";
import { silentLog } from "../../../../common/log.ts";
import { openPglite } from "../../../../common/sql/pglite-driver.ts";
import { openPostgres } from "../../../../common/sql/postgres-driver.ts";
import { LedgerModel, ledgerSteps, type Step } from "../../../support/ledger-model.ts";
import { hasPostgres, startPostgres } from "../../../support/postgres-server.ts";
import { TestClock } from "../../../support/test-clock.ts";

/** No holder is ever silent for so long. */
const TTL_MS = 1e12;

/** Any steps, by any holders, whatever the clock does. A failure prints the seed and the steps that break it. */
async function checkModel(runs: number, open: (clock: TestClock) => Promise<LedgerStore>): Promise<void> {
  await fc.assert(fc.asyncProperty(ledgerSteps(), async (steps) => {
    const clock = new TestClock();
    await new LedgerModel(await open(clock), clock).run(steps);
  }), { numRuns: runs, endOnFailure: runs < 100 });
}

describe("settled and outstanding stay within the limit, and add up, through any interleaving", () => {
  test("in memory", async () => {
    await checkModel(500, async (clock) => openMemoryLedger({ clock, ttlMs: TTL_MS }));
  });

  test("in PGlite", async () => {
    const driver = await openPglite(null);
    await checkModel(25, async (clock) => openSqlLedger({ ...driver, close: async () => undefined }, { clock, ttlMs: TTL_MS }));
    await driver.close();
  });

  test.runIf(hasPostgres())("in PostgreSQL", async () => {
    const server = await startPostgres();
    const driver = openPostgres(server.url, { applicationName: "weir-test", maxConnections: 2, connectTimeoutMs: 2_000, statementTimeoutMs: 5_000 }, silentLog);
    await checkModel(40, async (clock) => openSqlLedger({ ...driver, close: async () => undefined }, { clock, ttlMs: TTL_MS }));
    await driver.close();
    await server.close();
  });
});

/** What was written off is spent by another, and then its holder speaks again. Chance seldom goes this way. */
const COMES_BACK: readonly Step[] = [
  { kind: "acquire", holder: 0, accounts: [0], need: 60n, more: 0n, isLost: false },
  { kind: "clock", byMs: 61_000 },
  { kind: "adjust", account: 0, word: "reset", amount: 0n },
  { kind: "acquire", holder: 1, accounts: [0], need: 60n, more: 0n, isLost: false },
  { kind: "report", holder: 0, isRepeated: false },
];

test("the limit holds where holders fall silent and operators write off what is lost", async () => {
  const silence = fc.constantFrom(1_000, 61_000);
  await fc.assert(fc.asyncProperty(ledgerSteps(silence), async (steps) => {
    const clock = new TestClock();
    await new LedgerModel(openMemoryLedger({ clock, ttlMs: 60_000 }), clock, false).run(steps);
  }), { numRuns: 1_000, examples: [[COMES_BACK]] });
});

test("the model notices a ledger that grants twice for one claim", async () => {
  const forgetful = (store: LedgerStore): LedgerStore => ({ ...store, acquire: async (holder, claims) => store.acquire(`${holder}${Math.random()}`, claims) });
  const asking = { kind: "acquire", holder: 0, accounts: [0], need: 10n, more: 0n } as const;
  const steps = [{ ...asking, isLost: true }, { ...asking, isLost: false }];
  const clock = new TestClock();
  await expect(new LedgerModel(forgetful(openMemoryLedger({ clock, ttlMs: TTL_MS })), clock).run(steps)).rejects.toThrow("the ledger broke its word");
  await expect(new LedgerModel(openMemoryLedger({ clock, ttlMs: TTL_MS }), clock).run(steps)).resolves.toBeUndefined();
});
