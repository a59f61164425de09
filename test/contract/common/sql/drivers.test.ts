import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import { UserError } from "../../../../common/exit-codes.ts";
import { silentLog } from "../../../../common/log.ts";
import { openPglite } from "../../../../common/sql/pglite-driver.ts";
import { openPostgres } from "../../../../common/sql/postgres-driver.ts";
import { bringUpToDate, type Schema } from "../../../../common/sql/schema.ts";
import { StoreUnavailable, type SqlDriver } from "../../../../common/sql/sql-driver.ts";
import { hasPostgres, startPostgres, type PostgresServer } from "../../../support/postgres-server.ts";

const SETTINGS = { applicationName: "weir-test", maxConnections: 4, connectTimeoutMs: 1_000, statementTimeoutMs: 3_000 };
const isCi = readEnvironment()["CI"] === "1";

/** The same promises for each driver; every test has tables of its own. */
function describeDriver(name: string, open: () => Promise<SqlDriver>): void {
  describe(`SqlDriver ${name}`, () => {
    let driver: SqlDriver;
    beforeAll(async () => { driver = await open(); });
    afterAll(async () => { await driver?.close(); });

    test("keeps what a transaction wrote, and nothing of one that failed", async () => {
      await driver.query("create table kept (n bigint)");
      await driver.transaction(async (statements) => statements.query("insert into kept values ($1::bigint)", [1n]));
      await expect(driver.transaction(async (statements) => {
        await statements.query("insert into kept values (2)");
        throw new Error("changed my mind");
      })).rejects.toThrow("changed my mind");
      expect(await driver.query("select n::text from kept")).toEqual([{ n: "1" }]);
    });

    test("hands on errors of the database as they are, and serves afterwards", async () => {
      await expect(driver.query("select * from nowhere")).rejects.toMatchObject({ code: "42P01" });
      await expect(driver.transaction(async (statements) => statements.query("select 1 / 0"))).rejects.toMatchObject({ code: "22012" });
      expect(await driver.query("select 1 as n")).toEqual([{ n: 1 }]);
    });

    test("tells what is notified", async () => {
      const heard = Promise.withResolvers<string>();
      const stop = await driver.listen("weir_test", heard.resolve);
      await driver.query("select pg_notify('weir_test', 'hello')");
      expect(await heard.promise).toBe("hello");
      await stop();
    });

    test("takes each step of a schema once, and refuses the schema of a newer program", async () => {
      const schema: Schema = { lock: 7, versionsTable: "step_versions", steps: [["create table steps (n integer)"], ["insert into steps values (1)"]] };
      await bringUpToDate(driver, schema);
      await bringUpToDate(driver, schema);
      expect(await driver.query("select n from steps")).toEqual([{ n: 1 }]);
      await expect(bringUpToDate(driver, { ...schema, steps: schema.steps.slice(1) })).rejects.toBeInstanceOf(UserError);
    });
  });
}

describeDriver("PGlite", async () => openPglite(null));

test("PostgreSQL is here where it must be", (context) => {
  if (!hasPostgres() && !isCi) context.skip("no PostgreSQL 15 here (Debian package postgresql-15)");
  expect(hasPostgres()).toBe(true);
});

describe.runIf(hasPostgres())("PostgreSQL", () => {
  let server: PostgresServer;
  beforeAll(async () => { server = await startPostgres(); });
  afterAll(async () => { await server?.close(); });

  describeDriver("PostgreSQL", async () => openPostgres(server.url, SETTINGS, silentLog));

  test("that is away makes calls fail with StoreUnavailable, and serves again when it is back", async () => {
    const driver = openPostgres(server.url, SETTINGS, silentLog);
    try {
      await driver.query("select 1");
      await server.stop("crash");
      await expect(driver.query("select 1")).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(driver.transaction(async (statements) => statements.query("select 1"))).rejects.toBeInstanceOf(StoreUnavailable);
      await server.start();
      expect(await driver.query("select 1 as n")).toEqual([{ n: 1 }]);
    } finally {
      await driver.close();
    }
  });

  test("may end a connection between two statements of a transaction: it runs again on another, and the program lives", async () => {
    const driver = openPostgres(server.url, SETTINGS, silentLog);
    try {
      const pids: unknown[] = [];
      const count = await driver.transaction(async (statements) => {
        pids.push((await statements.query("select pg_backend_pid() as pid"))[0]?.["pid"]);
        if (pids.length === 1) {
          await driver.query("select pg_terminate_backend($1)", [pids[0]]);
          await vi.waitFor(async () => { expect(await driver.query("select from pg_stat_activity where pid = $1", [pids[0]])).toEqual([]); });
        }
        return statements.query("select 1 as n");
      });
      expect(count).toEqual([{ n: 1 }]);
      expect(new Set(pids).size).toBe(2);
    } finally {
      await driver.close();
    }
  });

  test("that ends one of two deadlocked transactions makes it run again: both are kept", async () => {
    const driver = openPostgres(server.url, SETTINGS, silentLog);
    try {
      await driver.query("create table pair (id integer primary key, n integer)");
      await driver.query("insert into pair values (1, 0), (2, 0)");
      const both = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
      const cross = async (own: 0 | 1) => driver.transaction(async (statements) => {
        await statements.query("update pair set n = n + 1 where id = $1", [own + 1]);
        both[own].resolve();
        await both[1 - own]?.promise;
        await statements.query("update pair set n = n + 1 where id = $1", [2 - own]);
      });
      await Promise.all([cross(0), cross(1)]);
      expect(await driver.query("select n from pair order by id")).toEqual([{ n: 2 }, { n: 2 }]);
    } finally {
      await driver.close();
    }
  });
});
