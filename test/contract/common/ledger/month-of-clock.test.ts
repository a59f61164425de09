import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AccountSpec } from "../../../../common/ledger/account.ts";
import type { LedgerStore } from "../../../../common/ledger/ledger-store.ts";
import { openMemoryLedger } from "../../../../common/ledger/memory-store.ts";
import { windowAt } from "../../../../common/ledger/windows.ts";
import { aClaim, anAccount, aReport, grantOf } from "../../../support/ledger-accounts.ts";
import { TestClock } from "../../../support/test-clock.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const STEP_MS = 10 * MINUTE_MS;
const TTL_MS = 1e12;

/** A month that holds a change of the clocks, or the leap day. */
const MONTHS = [
  ["Europe/Berlin", "2026-03-15"], ["Europe/Berlin", "2026-10-10"], ["America/New_York", "2026-02-25"], ["America/New_York", "2026-10-20"],
  ["Australia/Lord_Howe", "2026-03-20"], ["Australia/Lord_Howe", "2026-09-20"], ["UTC", "2028-02-10"], ["Europe/Berlin", "2028-02-10"], ["Africa/Cairo", "2026-04-10"],
] as const;

interface Seen {
  readonly startMs: number;
  readonly endMs: number | null;
  spent: number;
  settled: bigint;
}

/** Spends one at a time and writes down the windows that it was counted in. */
class Spender {
  readonly windows: Seen[] = [];
  readonly #store: LedgerStore;
  readonly #account: AccountSpec;

  constructor(store: LedgerStore, account: AccountSpec) {
    this.#store = store;
    this.#account = account;
  }

  async spend(): Promise<void> {
    const last = this.windows.at(-1);
    const known = BigInt(last?.spent ?? 0);
    const grant = grantOf(await this.#store.acquire("a", [aClaim(this.#account, 1n, { windowStartMs: last?.startMs ?? null, known })]));
    const seen = last?.startMs === grant.windowStartMs ? last : { startMs: grant.windowStartMs, endMs: grant.windowEndMs, spent: 0, settled: 0n };
    if (seen !== last) {
      expect(grant.settled).toBe(0n);
      expect(grant.windowStartMs).toBeGreaterThan(last?.startMs ?? -1);
      this.windows.push(seen);
    }
    seen.spent += 1;
    const { slices: [slice] } = await this.#store.report("a", [aReport(grant, { used: BigInt(seen.spent) })]);
    seen.settled = slice?.settled ?? -1n;
  }
}

describe.each(MONTHS)("a month of clock in %s from %s", (timezone, from) => {
  const walk = async (window: AccountSpec["window"], moves: (step: number, clock: TestClock) => void) => {
    const clock = new TestClock();
    clock.jump(Date.parse(from) - clock.nowMs());
    const spender = new Spender(openMemoryLedger({ clock, ttlMs: TTL_MS }), anAccount({ window, timezone, limit: 1_000_000n }));
    let spent = 0;
    for (let step = 0; step < 31 * DAY_MS / STEP_MS; step += 1) {
      moves(step, clock);
      await spender.spend();
      spent += 1;
      clock.advance(STEP_MS);
    }
    return { windows: spender.windows, spent };
  };

  test.each(["hour", "day", "week", "month"] as const)("every %s is opened once, none is left out, and all that was spent is in them", async (window) => {
    const { windows, spent } = await walk(window, () => undefined);
    for (const [index, { startMs, endMs }] of windows.entries()) {
      expect({ startMs, endMs }).toEqual(windowAt({ window, timezone }, startMs));
      if (index > 0) expect(startMs).toBe(windows[index - 1]?.endMs);
    }
    expect(new Set(windows.map(({ startMs }) => startMs)).size).toBe(windows.length);
    expect(windows.reduce((sum, { settled }) => sum + settled, 0n)).toBe(BigInt(spent));
  });

  test.each(["hour", "day"] as const)("jumps by a day, there and back, open no %s twice and lose nothing", async (window) => {
    const jump = fc.record({ atStep: fc.nat({ max: 4_000 }), forSteps: fc.integer({ min: 1, max: 200 }), byMs: fc.constantFrom(-DAY_MS, DAY_MS, -HOUR_MS, HOUR_MS) });
    const jumps = fc.uniqueArray(jump, { selector: ({ atStep }) => atStep, maxLength: 8 });
    await fc.assert(fc.asyncProperty(jumps, async (planned) => {
      const { windows, spent } = await walk(window, (step, clock) => {
        for (const { atStep, forSteps, byMs } of planned) {
          if (step === atStep) clock.jump(byMs);
          if (step === atStep + forSteps) clock.jump(-byMs);
        }
      });
      expect(new Set(windows.map(({ startMs }) => startMs)).size).toBe(windows.length);
      expect(windows.map(({ settled }) => settled)).toEqual(windows.map((seen) => BigInt(seen.spent)));
      expect(windows.reduce((sum, { settled }) => sum + settled, 0n)).toBe(BigInt(spent));
    }), { numRuns: 3 });
  });
});
