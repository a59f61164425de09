import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { LedgerUnavailable, type LedgerStore, type Standing } from "../../../../common/ledger/ledger-store.ts";
import { openMemoryLedger } from "../../../../common/ledger/memory-store.ts";
import { silentLog } from "../../../../common/log.ts";
import type { Reservation } from "../../../../proxy/budget/budget-ledger.ts";
import { budgetConfig } from "../../../../proxy/budget/config.ts";
import { FileJournal } from "../../../../proxy/budget/journal/file-journal.ts";
import { journalPath, Recovery } from "../../../../proxy/budget/journal/recovery.ts";
import { EgressError } from "../../../../proxy/errors.ts";
import { TEST_TIMING, testLedger } from "../../../support/budget-ledger.ts";
import { TestClock } from "../../../support/test-clock.ts";
import type { LeasingLedger } from "../../../../proxy/budget/leasing-ledger.ts";

const NEVER = new AbortController().signal;
const AGENT = { namespace: "local", name: "a", thread: "t", instance: "i", user: "", labels: {}, chain: [] };
const PROXIES = 3;
const index = fc.nat(50);

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("reserve" as const), proxy: index, usd: fc.bigInt(0n, 300n), names: fc.subarray(["app", "daily", "traffic"], { minLength: 1 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("take" as const), of: index, bytes: fc.nat(400_000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("extend" as const), of: index, usd: fc.bigInt(0n, 100n) }) },
  // Up to 1.5: a caller may report more than it held.
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("settle" as const), of: index, percent: fc.integer({ min: 0, max: 150 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("release" as const), of: index }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("turn" as const), proxy: index }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("crash" as const), proxy: index }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("advance" as const), ms: fc.nat(40_000_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("jump" as const), ms: fc.integer({ min: -90_000_000, max: 90_000_000 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("limit" as const), to: fc.bigInt(100n, 2_000n) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "outage" as const }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Proxy {
  readonly ledger: LeasingLedger;
  readonly journal: FileJournal;
  isDead: boolean;
}

interface Open {
  readonly proxy: Proxy;
  readonly reservation: Reservation;
  usd: bigint;
}

/** Proxies over one ledger, and what they have done in truth. */
class History {
  readonly clock = new TestClock();
  readonly #directory: string;
  readonly #store: LedgerStore = openMemoryLedger({ clock: this.clock });
  readonly #proxies: Proxy[] = [];
  readonly #open: Open[] = [];
  #isLost = false;
  #numbers = 0;
  #limit = 1_000n;
  /** Of `app`: what was used of what was held. */
  #used = 0n;
  #before = new Map<string, bigint>();

  constructor(directory: string) {
    this.#directory = directory;
    for (let count = 0; count < PROXIES; count += 1) this.#proxies.push(this.#start());
  }

  async run(next: Step): Promise<void> {
    if (next.kind === "advance") this.clock.advance(next.ms);
    else if (next.kind === "jump") this.clock.jump(next.ms);
    else if (next.kind === "outage") this.#isLost = !this.#isLost;
    else if (next.kind === "limit") this.#relimit(next.to);
    else if (next.kind === "reserve") await this.#reserve(next);
    else if (next.kind === "turn") await this.#at(next.proxy).ledger.turn();
    else if (next.kind === "crash") await this.#crash(next.proxy);
    else await this.#change(next);
    await this.#check();
  }

  /** Closes what lives, after all that is open was settled as it was held. */
  async end(): Promise<void> {
    this.#isLost = false;
    for (const { reservation, usd } of this.#open.splice(0)) {
      await reservation.settle({ usd });
      this.#used += usd;
    }
    for (const { ledger } of this.#proxies) await ledger.turn();
    for (const { ledger } of this.#proxies) await ledger.close();
    const recovery = this.#recovery();
    await recovery.look();
    await recovery.look();
    expect(recovery.isDone).toBe(true);
    const standings = await this.#store.standings({ limit: 100 });
    for (const { account, outstanding, lost } of standings) expect([account.budget, outstanding, lost]).toEqual([account.budget, 0n, 0n]);
    await this.#check();
  }

  #at(proxy: number): Proxy {
    return this.#proxies[proxy % PROXIES] as Proxy;
  }

  #start(): Proxy {
    const holder = `proxy-${this.#numbers += 1}`;
    const journal = new FileJournal(journalPath(this.#directory, holder), { format: 1, holder, boot: "this", ledger: "test" });
    const proxy: { isDead: boolean } = { isDead: false };
    const through = async <T>(call: () => Promise<T>): Promise<T> => {
      if (this.#isLost || proxy.isDead) throw new LedgerUnavailable("lost");
      return call();
    };
    const store: LedgerStore = {
      ...this.#store,
      acquire: async (...asked) => through(async () => this.#store.acquire(...asked)), report: async (...asked) => through(async () => this.#store.report(...asked)),
      slicesOf: async (...asked) => through(async () => this.#store.slicesOf(...asked)),
    };
    const ledger = testLedger(budgetConfig.parse({}), this.clock, { store, holder, journal, timing: { deadlineMs: 8, reportIntervalMs: 3_600_000 } });
    ledger.prepare(this.#budgets()).apply();
    return Object.assign(proxy, { ledger, journal });
  }

  #budgets(): Record<string, unknown> {
    const nano = (amount: bigint) => `0.${amount.toString().padStart(9, "0")}`;
    return {
      org: { meter: "usd", limit: nano(1_500n), window: "total" }, app: { meter: "usd", limit: nano(this.#limit), window: "total", parent: "org" },
      daily: { meter: "usd", limit: nano(700n), window: "day", timezone: "Europe/Berlin" }, traffic: { meter: "bytes", limit: 1_500_000, window: "hour" },
    };
  }

  #relimit(to: bigint): void {
    this.#limit = to;
    for (const { ledger } of this.#proxies) ledger.prepare(this.#budgets()).apply();
  }

  async #reserve({ proxy: at, usd, names }: Extract<Step, { kind: "reserve" }>): Promise<void> {
    const proxy = this.#at(at);
    try {
      const reservation = await proxy.ledger.reserve({ id: `e${this.#numbers += 1}`, agent: AGENT, budgets: names, amounts: { usd } }, NEVER);
      this.#open.push({ proxy, reservation, usd: names.includes("app") ? usd : 0n });
    } catch (error) {
      if (!["budget.exhausted", "budget.unavailable"].includes(EgressError.from(error).code)) throw error;
    }
  }

  async #change(next: Extract<Step, { of: number }>): Promise<void> {
    const at = next.of % Math.max(1, this.#open.length);
    const held = this.#open[at];
    if (held === undefined) return;
    if (next.kind === "take") {
      held.reservation.take("in", next.bytes);
      return;
    }
    if (next.kind === "extend") {
      if (await held.reservation.extend({ usd: next.usd }, NEVER) && held.usd > 0n) held.usd += next.usd;
      return;
    }
    this.#open.splice(at, 1);
    if (next.kind === "release") return held.reservation.release();
    const used = held.usd * BigInt(next.percent) / 100n;
    this.#used += used < held.usd ? used : held.usd;
    await held.reservation.settle({ usd: used });
  }

  /** As by kill -9: nothing more is written, nothing more is said; another proxy comes in its place and settles for it. */
  async #crash(at: number): Promise<void> {
    const proxy = this.#at(at);
    proxy.isDead = true;
    proxy.journal.close(false);
    await proxy.ledger.close();
    for (const one of this.#open.filter((open) => open.proxy === proxy)) this.#used += one.usd;
    this.#open.splice(0, this.#open.length, ...this.#open.filter((open) => open.proxy !== proxy));
    const recovery = this.#recovery();
    await recovery.look();
    recovery.close();
    this.#proxies[at % PROXIES] = this.#start();
  }

  #recovery(): Recovery {
    const store = this.#isLost ? { slicesOf: async () => { throw new LedgerUnavailable("lost"); }, report: async () => { throw new LedgerUnavailable("lost"); } } : this.#store;
    return new Recovery({ clock: this.clock, log: silentLog, timing: TEST_TIMING, onEvent: () => undefined, directory: this.#directory, ledger: "test", boot: "this", store });
  }

  /** Nothing is over its limit that was not before it was lowered, and nothing that was used is free. */
  async #check(): Promise<void> {
    for (const standing of await this.#store.standings({ limit: 100 })) {
      const { account: { key, budget }, windowStartMs, settled, limit } = standing;
      const held = standing.outstanding + standing.lost;
      const place = `${windowStartMs} ${key}`;
      const most = largest(limit, budget === "app" ? this.#limit : 0n, this.#before.get(place) ?? 0n);
      if (settled + held > most) throw new Error(`${budget}: ${settled} + ${held} of ${limit}`);
      this.#before.set(place, settled + held);
      if (budget === "app") this.#checkUsed(standing);
    }
  }

  #checkUsed({ settled, outstanding, lost }: Standing): void {
    const open = this.#open.reduce((sum, { usd }) => sum + usd, 0n);
    if (this.#used + open > settled + outstanding + lost) throw new Error(`${this.#used} used and ${open} open, of which the ledger knows ${settled} + ${outstanding} + ${lost}`);
  }
}

const largest = (...amounts: readonly bigint[]) => amounts.reduce((most, amount) => (amount > most ? amount : most));

test("whatever proxies do, in whatever order, and however they end: no count is over its limit, nothing used is free, and nothing stays held", { timeout: 120_000 }, async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), async (steps) => {
    const directory = await mkdtemp(join(tmpdir(), "weir-history-"));
    try {
      const history = new History(directory);
      for (const each of steps) await history.run(each);
      await history.end();
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }), { numRuns: 40 });
});
