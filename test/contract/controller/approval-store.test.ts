import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../common/config.ts";
import { silentLog } from "../../../common/log.ts";
import { openPglite } from "../../../common/sql/pglite-driver.ts";
import { threadsConfig } from "../../../controller/threads/config.ts";
import { openDatabase } from "../../../controller/threads/open-thread-store.ts";
import { hasPostgres, startPostgres, type PostgresServer } from "../../support/postgres-server.ts";
import { describeApprovalStore } from "./approval-store-suite.ts";

describeApprovalStore("PGlite", async () => openPglite(null));

test("PostgreSQL is here where it must be", (context) => {
  if (!hasPostgres() && readEnvironment()["CI"] !== "1") context.skip("no PostgreSQL 15 here (Debian package postgresql-15)");
  expect(hasPostgres()).toBe(true);
});

describe.runIf(hasPostgres())("PostgreSQL", () => {
  let server: PostgresServer;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "weir-approvals-"));
    server = await startPostgres();
  });
  afterAll(async () => {
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  describeApprovalStore("PostgreSQL", async () => {
    const urlFile = join(folder, "url");
    await writeFile(urlFile, `${server.url}\n`);
    return openDatabase(threadsConfig.parse({ urlFile, statementTimeoutMs: 5_000, connectTimeoutMs: 2_000 }), silentLog);
  });
});
