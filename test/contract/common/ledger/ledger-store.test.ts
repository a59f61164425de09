import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import { openMemoryLedger } from "../../../../common/ledger/memory-store.ts";
import { openSqlLedger } from "../../../../common/ledger/open-ledger.ts";
import { silentLog } from "../../../../common/log.ts";
import { openPglite } from "../../../../common/sql/pglite-driver.ts";
import { openPostgres } from "../../../../common/sql/postgres-driver.ts";
import type { SqlDriver } from "../../../../common/sql/sql-driver.ts";
import { hasPostgres, startPostgres, type PostgresServer } from "../../../support/postgres-server.ts";
import { describeLedgerStore, type SuiteOptions } from "./ledger-store-suite.ts";
import { describeOperators } from "./operator-suite.ts";
import { describeScarcity } from "./scarcity-suite.ts";
import { describeWindows } from "./windows-suite.ts";

const SETTINGS = { applicationName: "weir-test", maxConnections: 4, connectTimeoutMs: 2_000, statementTimeoutMs: 5_000 };
const isCi = readEnvironment()["CI"] === "1";

const SUITES = [describeLedgerStore, describeScarcity, describeOperators, describeWindows];

for (const describeSuite of SUITES) describeSuite("memory", async (options) => openMemoryLedger(options));

describe("embedded", () => {
  let driver: SqlDriver;
  beforeAll(async () => { driver = await openPglite(null); });
  afterAll(async () => { await driver?.close(); });
  const open = async (options: SuiteOptions) => openSqlLedger({ ...driver, close: async () => undefined }, options);
  for (const describeSuite of SUITES) describeSuite("PGlite", open);
});

test("PostgreSQL is here where it must be", (context) => {
  if (!hasPostgres() && !isCi) context.skip("no PostgreSQL 15 here (Debian package postgresql-15)");
  expect(hasPostgres()).toBe(true);
});

describe.runIf(hasPostgres())("across the network", () => {
  let server: PostgresServer;
  let driver: SqlDriver;
  beforeAll(async () => {
    server = await startPostgres();
    driver = openPostgres(server.url, SETTINGS, silentLog);
  });
  afterAll(async () => {
    await driver?.close();
    await server?.close();
  });
  const open = async (options: SuiteOptions) => openSqlLedger({ ...driver, close: async () => undefined }, options);
  for (const describeSuite of SUITES) describeSuite("PostgreSQL", open);
});
