import { afterAll, beforeAll, describe } from "vitest";
import { openMemoryLedger } from "../../../../common/ledger/memory-store.ts";
import { openSqlLedger } from "../../../../common/ledger/open-ledger.ts";
import { openPglite } from "../../../../common/sql/pglite-driver.ts";
import type { SqlDriver } from "../../../../common/sql/sql-driver.ts";
import { describeLedger } from "./budget-ledger-contract.ts";
import { describeSharing } from "./sharing-contract.ts";

const SUITES = [describeLedger, describeSharing];

for (const describeSuite of SUITES) describeSuite("over memory", async (clock) => openMemoryLedger({ clock }));

describe("embedded", () => {
  let driver: SqlDriver;
  beforeAll(async () => { driver = await openPglite(null); });
  afterAll(async () => { await driver.close(); });
  for (const describeSuite of SUITES) {
    describeSuite("over PGlite", async (clock) => {
      await driver.query("drop schema public cascade");
      await driver.query("create schema public");
      return openSqlLedger({ ...driver, close: async () => undefined }, { clock });
    });
  }
});
