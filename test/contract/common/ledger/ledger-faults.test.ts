import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LedgerUnavailable, type LedgerStore } from "../../../../common/ledger/ledger-store.ts";
import { openPostgresLedger } from "../../../../common/ledger/open-ledger.ts";
import { silentLog } from "../../../../common/log.ts";
import { aClaim, anAccount, aReport, grantOf, standingOf } from "../../../support/ledger-accounts.ts";
import { hasPostgres, startPostgres, type PostgresServer } from "../../../support/postgres-server.ts";

const DEADLINE_MS = 1_500;
/** Of a busy machine. */
const GRACE_MS = 1_500;
const SETTINGS = { applicationName: "weir-test", maxConnections: 4, connectTimeoutMs: 500, statementTimeoutMs: 600 };

describe.runIf(hasPostgres())("a PostgreSQL that fails", () => {
  let server: PostgresServer;
  let admin: Client;
  let store: LedgerStore;
  beforeAll(async () => {
    server = await startPostgres();
    store = await openPostgresLedger(server.url, SETTINGS, silentLog, { deadlineMs: DEADLINE_MS });
    admin = await connected();
  });
  afterAll(async () => {
    await store?.close();
    await admin?.end().catch(() => undefined);
    await server?.close();
  });

  async function connected(): Promise<Client> {
    const client = new Client({ connectionString: server.url });
    client.on("error", () => undefined);
    await client.connect();
    return client;
  }

  /** Every call ends in time, and says that nothing is known. */
  async function expectUnavailable(call: () => Promise<unknown>): Promise<void> {
    const startedMs = performance.now();
    await expect(call()).rejects.toBeInstanceOf(LedgerUnavailable);
    expect(performance.now() - startedMs).toBeLessThan(DEADLINE_MS + GRACE_MS);
  }

  test("by being away is unavailable to every call within the deadline; what was granted is remembered when it is back", async () => {
    const account = anAccount({ limit: 100n });
    const held = grantOf(await store.acquire("a", [aClaim(account, 60n)]));
    await server.stop("crash");
    await expectUnavailable(async () => store.acquire("b", [aClaim(account, 1n)]));
    await expectUnavailable(async () => store.report("a", [aReport(held, { used: 10n })]));
    await expectUnavailable(async () => store.slicesOf("a"));
    await expectUnavailable(async () => store.standings({ limit: 1 }));
    await expectUnavailable(async () => store.adjust({ kind: "reset", budget: account.budget, by: "ada", why: "x" }));
    await server.start();
    admin = await connected();
    expect(await standingOf(store, account)).toMatchObject({ settled: 0n, outstanding: 60n });
    expect(grantOf(await store.acquire("b", [aClaim(account, 40n)]))).toMatchObject({ outstanding: 100n });
  });

  test("in the midst of calls never grants more than there is, and nothing anew to who asks again", async () => {
    const account = anAccount({ limit: 100n });
    await store.acquire("first", [aClaim(account, 1n)]);
    const claims = Array.from({ length: 40 }, (_, number) => ({ holder: `m${number}`, claim: aClaim(account, 5n) }));
    const during = Promise.allSettled(claims.map(async ({ holder, claim }) => store.acquire(holder, [claim])));
    await server.restart("crash");
    admin = await connected();
    const granted = new Set((await during).flatMap((answer, number) => (answer.status === "fulfilled" && answer.value.kind === "granted" ? [number] : [])));
    for (const [number, { holder, claim }] of claims.entries()) {
      if ((await store.acquire(holder, [claim])).kind === "granted") granted.add(number);
    }
    expect(granted.size).toBe(19);
    expect(await standingOf(store, account)).toMatchObject({ outstanding: 96n });
  });

  test.each([["a full disk", "53100"], ["a database that is read-only", "25006"], ["an internal error", "XX001"]])("with %s grants nothing, and settles nothing", async (_, code) => {
    const account = anAccount({ limit: 100n });
    const held = grantOf(await store.acquire("a", [aClaim(account, 60n)]));
    await admin.query(`create function fail_now() returns trigger language plpgsql as $$ begin raise exception 'no' using errcode = '${code}'; end $$`);
    await admin.query("create trigger fail_now before insert or update on ledger_slices for each row execute function fail_now()");
    try {
      await expectUnavailable(async () => store.acquire("b", [aClaim(account, 1n)]));
      await expectUnavailable(async () => store.report("a", [aReport(held, { used: 10n })]));
      expect(await standingOf(store, account)).toMatchObject({ settled: 0n, outstanding: 60n });
    } finally {
      await admin.query("drop function fail_now cascade");
    }
    expect(grantOf(await store.acquire("b", [aClaim(account, 1n)]))).toMatchObject({ outstanding: 61n });
  });

  test("by not answering is unavailable within the deadline; others are served", async () => {
    const [stuck, free] = [anAccount({ limit: 100n }), anAccount({ limit: 100n })];
    await store.acquire("a", [aClaim(stuck, 1n), aClaim(free, 1n)]);
    await admin.query("begin");
    await admin.query("select 1 from ledger_accounts where key = $1 for update", [stuck.key]);
    try {
      await expectUnavailable(async () => store.acquire("b", [aClaim(stuck, 1n)]));
      expect(grantOf(await store.acquire("b", [aClaim(free, 1n)]))).toMatchObject({ outstanding: 2n });
    } finally {
      await admin.query("rollback");
    }
    expect(grantOf(await store.acquire("b", [aClaim(stuck, 1n)]))).toMatchObject({ granted: 1n, outstanding: 2n });
  });

  test("by answering after the deadline grants nothing to who has stopped waiting", async () => {
    const patient = await openPostgresLedger(server.url, { ...SETTINGS, statementTimeoutMs: 20_000 }, silentLog, { deadlineMs: DEADLINE_MS });
    const stuck = anAccount({ limit: 100n });
    await patient.acquire("a", [aClaim(stuck, 1n)]);
    await admin.query("begin");
    await admin.query("select 1 from ledger_accounts where key = $1 for update", [stuck.key]);
    try {
      await expectUnavailable(async () => patient.acquire("b", [aClaim(stuck, 5n)]));
    } finally {
      await admin.query("rollback");
    }
    await patient.close();
    expect(await standingOf(store, stuck)).toMatchObject({ outstanding: 1n });
    expect(grantOf(await store.acquire("b", [aClaim(stuck, 5n)]))).toMatchObject({ granted: 5n, outstanding: 6n });
  });

  test("keeps what operators did, by whom and why", async () => {
    const account = anAccount({ limit: 100n });
    await store.adjust({ kind: "topup", budget: account.budget, amount: 5n, by: "ada", why: "the quarter ends" });
    const { rows } = await admin.query("select kind, amount::text, by, why from ledger_adjustments where budget = $1", [account.budget]);
    expect(rows).toEqual([{ kind: "topup", amount: "5", by: "ada", why: "the quarter ends" }]);
  });
});
