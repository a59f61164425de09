import type { AccountSpec } from "../common/ledger/account.ts";
import type { Claim, LedgerStore } from "../common/ledger/ledger-store.ts";
import { openPostgresLedger } from "../common/ledger/open-ledger.ts";
import { openPgliteLedger } from "../common/ledger/pglite-ledger.ts";
import { silentLog } from "../common/log.ts";
import { hasPostgres, startPostgres } from "../test/support/postgres-server.ts";

/** Calls of the ledger's store: how many a second, and the CPU time that the caller's process takes for each. PGlite's includes the database. */
export interface LedgerResult {
  readonly scenario: string;
  readonly calls: number;
  readonly perSecond: number;
  readonly cpuMicros: number;
}

type Call = (store: LedgerStore, caller: number, count: number) => Promise<unknown>;

interface Load {
  readonly name: string;
  /** Calls that are under way at once. */
  readonly callers: number;
  readonly call: Call;
}

const ACCOUNTS = 100;
const REPORTS_AT_ONCE = 100;
const LIMIT = 2n ** 60n;

function account(name: string): AccountSpec {
  const thresholds = [{ percent: 80, action: "notify" }] as const;
  return { key: `["bench","${name}"]`, budget: "bench", meter: "usd", limit: LIMIT, window: "total", timezone: "UTC", thresholds };
}

const claim = (spec: AccountSpec, known: bigint, need: bigint): Claim => ({ account: spec, windowStartMs: 0, known, need, want: need });

/** A grant of a team's and a user's account in one step, as a request to a model asks for it. */
const acquire: Call = async (store, caller, count) => {
  const accounts = [account("team"), account(`user-${(caller * 13 + count) % ACCOUNTS}`)];
  await store.acquire(`holder-${caller}-${count % ACCOUNTS}`, accounts.map((spec) => claim(spec, BigInt(count), 1n)));
};

/** A grant of one account that only this caller asks for. */
const acquireAlone: Call = async (store, caller, count) =>
  store.acquire(`holder-${caller}`, [claim(account(`own-${caller}`), BigInt(count), 1n)]);

/** What a holder says of a hundred slices, twice a second. */
const report: Call = async (store, caller, count) => store.report(`reporter-${caller}`, Array.from({ length: REPORTS_AT_ONCE }, (_, index) => (
  { key: account(`user-${index}`).key, windowStartMs: 0, used: BigInt(count), estimated: 0n, returned: 0n, isOver: false })));

/** A claim that is refused, exactly: what agents that storm an exhausted cap cause. */
const refusal: Call = async (store, caller) =>
  store.acquire(`storm-${caller}`, [claim({ ...account("exhausted"), limit: 0n }, 0n, 1n)]);

const LOADS: readonly Load[] = [1, 8].flatMap((callers) => [
  { name: "acquire, an account each", callers, call: acquireAlone },
  { name: "acquire, two accounts, one shared by all", callers, call: acquire },
  { name: `report of ${REPORTS_AT_ONCE} slices`, callers, call: report },
  { name: "acquire, refused", callers, call: refusal },
]);

/** The store over PostgreSQL with as many connections as callers, and over PGlite, for so long each. What the proxy's hot path adds is measured beside it. */
export async function run(secondsEach = 3): Promise<LedgerResult[]> {
  const results: LedgerResult[] = [];
  if (hasPostgres()) {
    const server = await startPostgres();
    for (const load of LOADS) {
      const settings = { applicationName: "weir-bench", maxConnections: load.callers, connectTimeoutMs: 10_000, statementTimeoutMs: 10_000 };
      const store = await openPostgresLedger(server.url, settings, silentLog, { deadlineMs: 60_000 });
      results.push(await measure(`PostgreSQL, ${load.callers} connections: ${load.name}`, store, load, secondsEach));
      await store.close();
    }
    await server.close();
  }
  const embedded = await openPgliteLedger(null, { deadlineMs: 60_000 });
  for (const load of LOADS.filter(({ callers }) => callers === 1)) results.push(await measure(`PGlite in memory: ${load.name}`, embedded, load, secondsEach));
  await embedded.close();
  return results;
}

async function measure(scenario: string, store: LedgerStore, { callers, call }: Load, seconds: number): Promise<LedgerResult> {
  for (let caller = 0; caller < callers; caller += 1) await holdSlices(store, `reporter-${caller}`);
  await drive(store, callers, call, seconds * 300);
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  const calls = await drive(store, callers, call, seconds * 1_000);
  const { user, system } = process.cpuUsage(cpu);
  return { scenario, calls, perSecond: Math.round(calls / (performance.now() - startedMs) * 1_000), cpuMicros: Math.round((user + system) / calls) };
}

async function holdSlices(store: LedgerStore, holder: string): Promise<void> {
  await store.acquire(holder, Array.from({ length: REPORTS_AT_ONCE }, (_, index) => claim(account(`user-${index}`), 0n, 1_000_000n)));
}

async function drive(store: LedgerStore, callers: number, call: Call, forMs: number): Promise<number> {
  const endMs = performance.now() + forMs;
  const made = await Promise.all(Array.from({ length: callers }, async (_, caller) => {
    let count = 0;
    for (; performance.now() < endMs; count += 1) await call(store, caller, count);
    return count;
  }));
  return made.reduce((sum, each) => sum + each, 0);
}

if (import.meta.main) {
  for (const { scenario, perSecond, cpuMicros } of await run()) {
    process.stdout.write(`${scenario.padEnd(80)} ${String(perSecond).padStart(7)} per s, ${cpuMicros} us CPU each\n`);
  }
}
