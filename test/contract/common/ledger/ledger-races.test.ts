import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AccountSpec } from "../../../../common/ledger/account.ts";
import { LedgerUnavailable, type Acquired, type LedgerStore } from "../../../../common/ledger/ledger-store.ts";
import { openPostgresLedger } from "../../../../common/ledger/open-ledger.ts";
import { silentLog } from "../../../../common/log.ts";
import { aClaim, anAccount, aReport, grantOf, standingOf } from "../../../support/ledger-accounts.ts";
import { hasPostgres, startPostgres, type PostgresServer } from "../../../support/postgres-server.ts";

const HOLDERS = 8;
const SETTINGS = { applicationName: "weir-test", maxConnections: 1, connectTimeoutMs: 20_000, statementTimeoutMs: 10_000 };

/** A seed is printed with every failure. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe.runIf(hasPostgres())("many holders of one PostgreSQL", () => {
  let server: PostgresServer;
  let admin: Client;
  let stores: LedgerStore[];
  beforeAll(async () => {
    server = await startPostgres();
    admin = new Client({ connectionString: server.url });
    await admin.connect();
    stores = await Promise.all(Array.from({ length: HOLDERS }, async () => openPostgresLedger(server.url, SETTINGS, silentLog, { deadlineMs: 60_000 })));
  });
  afterAll(async () => {
    await Promise.all(stores?.map(async (store) => store.close()) ?? []);
    await admin?.end();
    await server?.close();
  });
  const storeOf = (number: number): LedgerStore => stores[number % HOLDERS] as LedgerStore;
  const deadlocks = async () => Number((await admin.query<{ deadlocks: string }>("select deadlocks from pg_stat_database where datname = current_database()")).rows[0]?.deadlocks);

  test("1,000 claims of a tenth of the cap at once: exactly ten are granted", async () => {
    const account = anAccount({ limit: 1_000n });
    const answers = await Promise.all(Array.from({ length: 1_000 }, async (_, number) => storeOf(number).acquire(`holder-${number}`, [aClaim(account, 100n)])));
    expect(answers.filter(({ kind }) => kind === "granted")).toHaveLength(10);
    expect(await standingOf(storeOf(0), account)).toMatchObject({ outstanding: 1_000n, settled: 0n });
  });

  test("claims on accounts in any order wait for each other in no circle, and none is half granted", async () => {
    const accounts = Array.from({ length: 6 }, () => anAccount({ limit: 300n }));
    const random = randomFrom(7);
    const before = await deadlocks();
    const answers = await Promise.all(Array.from({ length: 400 }, async (_, number) => {
      const some = accounts.filter(() => random() < 0.5).toSorted(() => random() - 0.5);
      return storeOf(number).acquire(`any-${number}`, (some.length === 0 ? accounts.slice(0, 1) : some).map((account) => aClaim(account, 7n)));
    }));
    for (const account of accounts) {
      const granted = answers.flatMap((answer) => (answer.kind === "granted" ? answer.grants : [])).filter(({ key }) => key === account.key);
      const standing = await standingOf(storeOf(0), account);
      expect(standing.outstanding).toBe(7n * BigInt(granted.length));
      expect(standing.outstanding).toBeLessThanOrEqual(300n);
    }
    expect(await deadlocks()).toBe(before);
  });

  test("connections that are killed at random grant nothing twice, and lose nothing", async () => {
    const seed = Date.now() % 2 ** 31;
    const random = randomFrom(seed);
    const account = anAccount({ limit: 5_000n });
    const ending = new AbortController();
    const killed = killing(random, ending.signal);
    const spent = await Promise.all(stores.map(async (store, number) => spendUntilShort(store, `killed-${number}`, account, random)));
    ending.abort();
    const kills = await killed;
    const { settled, outstanding } = await standingOf(storeOf(0), account);
    expect({ seed, settled, outstanding }).toEqual({ seed, settled: spent.reduce((sum, each) => sum + each, 0n), outstanding: 0n });
    expect(settled).toBeLessThanOrEqual(5_000n);
    expect(settled).toBeGreaterThan(4_900n);
    expect(kills).toBeGreaterThan(5);
  });

  async function killing(random: () => number, ending: AbortSignal): Promise<number> {
    let kills = 0;
    while (!ending.aborted) {
      const { rows } = await admin.query<{ pid: number }>("select pid from pg_stat_activity where application_name = 'weir-test' and state <> 'idle'");
      const victim = rows[Math.floor(random() * rows.length)];
      if (victim !== undefined) kills += (await admin.query("select pg_terminate_backend($1)", [victim.pid])).rowCount ?? 0;
      await admin.query("select pg_sleep($1)", [random() / 50]);
    }
    return kills;
  }
});

/** A holder that spends what it is granted, repeats what got no answer, and gives the rest back. @returns what it has used */
async function spendUntilShort(store: LedgerStore, holder: string, account: AccountSpec, random: () => number): Promise<bigint> {
  let [known, used] = [0n, 0n];
  let windowStartMs: number | null = null;
  for (;;) {
    const need = 1n + BigInt(Math.floor(random() * 30));
    const claim = aClaim(account, need, { known, windowStartMs });
    const answer: Acquired = await insisting(async () => store.acquire(holder, [claim]));
    if (answer.kind === "short") break;
    const grant = grantOf(answer);
    expect(grant.granted).toBe(known + need);
    ({ granted: known, windowStartMs } = grant);
    used += need - BigInt(random() < 0.2 ? 1 : 0);
    const report = aReport(grant, { used, returned: known - used });
    await insisting(async () => store.report(holder, [report]));
  }
  return used;
}

async function insisting<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
    }
  }
}
