import fc from "fast-check";
import type { AccountSpec } from "../../common/ledger/account.ts";
import type { LedgerStore, Reported, SliceReport } from "../../common/ledger/ledger-store.ts";
import { unreachable } from "../../common/unreachable.ts";
import { anAccount, aReport, standingOf } from "./ledger-accounts.ts";
import type { TestClock } from "./test-clock.ts";

const HOLDERS = ["a", "b", "c"] as const;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** What a holder and the store know of a slice. `granted` may be more than `known`: an answer was lost. */
interface Slice {
  readonly holder: string;
  readonly key: string;
  readonly windowStartMs: number;
  known: bigint;
  granted: bigint;
  used: bigint;
  returned: bigint;
  saidUsed: bigint;
  saidReturned: bigint;
}

interface Acquire {
  readonly kind: "acquire";
  readonly holder: number;
  readonly accounts: readonly number[];
  readonly need: bigint;
  /** Wanted beyond the need. */
  readonly more: bigint;
  /** The holder does not hear the answer. */
  readonly isLost: boolean;
}

export type Step = Acquire
  | { readonly kind: "spend" | "give"; readonly slice: number; readonly percent: number }
  | { readonly kind: "report"; readonly holder: number; readonly isRepeated: boolean }
  | { readonly kind: "crash"; readonly holder: number }
  | { readonly kind: "clock"; readonly byMs: number }
  | { readonly kind: "adjust"; readonly account: number; readonly word: "set" | "unset" | "topup" | "reset" | "approve"; readonly amount: bigint };

const index = fc.nat({ max: 1_000 });
const amount = fc.bigInt({ min: 0n, max: 60n });
const anyJump = fc.oneof(fc.integer({ min: -DAY_MS, max: DAY_MS }), fc.constantFrom(-DAY_MS, DAY_MS, -HOUR_MS, HOUR_MS));
const saidWord = fc.constantFrom("set" as const, "unset" as const, "topup" as const, "reset" as const, "approve" as const);
const acquiring: fc.Arbitrary<Acquire> = fc.record({
  kind: fc.constant("acquire" as const), holder: index, accounts: fc.uniqueArray(fc.nat({ max: 2 }), { minLength: 1 }), need: amount, more: amount, isLost: fc.boolean(),
});

/** Whatever may happen to a ledger, in any order. @param jump how far the clock may go at a time, in milliseconds */
export const ledgerSteps = (jump: fc.Arbitrary<number> = anyJump): fc.Arbitrary<readonly Step[]> => fc.array(fc.oneof(
  { weight: 6, arbitrary: acquiring },
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom("spend" as const, "give" as const), slice: index, percent: fc.nat({ max: 100 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("report" as const), holder: index, isRepeated: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("crash" as const), holder: index }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("clock" as const), byMs: jump }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("adjust" as const), account: index, word: saidWord, amount }) },
), { maxLength: 60 });

/** Holders that deal with a store as they should, and a count of their own to compare it with. Every method throws where the store is wrong. */
export class LedgerModel {
  readonly #store: LedgerStore;
  readonly #clock: TestClock;
  readonly #accounts: readonly AccountSpec[];
  readonly #slices: Slice[] = [];
  /** What operators have forgiven, by place. */
  readonly #forgiven = new Map<string, bigint>();
  /** What the store has told to be over the limit, by place. */
  readonly #overspent = new Map<string, bigint>();
  readonly #out = new Map<string, bigint>();
  readonly #starts = new Map<string, number>();
  readonly #isExact: boolean;

  /** @param isExact false where holders may be silent for too long: then operators write off what is lost, and the sums are the store's affair */
  constructor(store: LedgerStore, clock: TestClock, isExact = true) {
    this.#isExact = isExact;
    this.#store = store;
    this.#clock = clock;
    const shared = { limit: 100n, budget: anAccount().budget };
    this.#accounts = [
      anAccount({ ...shared, window: "day", timezone: "Europe/Berlin" }),
      anAccount({ ...shared, window: "hour", timezone: "Australia/Lord_Howe", thresholds: [{ percent: 60, action: "ask" }, { percent: 50, action: "notify" }] }),
      anAccount({ ...shared, window: "total", limit: 300n }),
    ];
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      await this.#take(step);
      await this.#check();
    }
    await this.#end();
  }

  async #take(step: Step): Promise<void> {
    switch (step.kind) {
      case "acquire": return this.#acquire(step);
      case "report": return this.#report(nth(HOLDERS, step.holder), step.isRepeated);
      case "crash": return this.#crash(nth(HOLDERS, step.holder));
      case "clock": return this.#clock.jump(step.byMs);
      case "adjust": return this.#adjust(step);
      case "spend":
      case "give": return this.#use(step);
      default: return unreachable(step);
    }
  }

  async #acquire({ holder: number, accounts, need, more, isLost }: Acquire): Promise<void> {
    const holder = nth(HOLDERS, number);
    const claims = accounts.map((at) => {
      const account = nth(this.#accounts, at);
      const slice = this.#slices.filter((each) => each.holder === holder && each.key === account.key).at(-1);
      return { account, windowStartMs: slice?.windowStartMs ?? null, known: slice?.known ?? 0n, need, want: need + more };
    });
    const acquired = await this.#store.acquire(holder, claims);
    if (acquired.kind === "short") {
      for (const { left, limit, settled, outstanding } of acquired.shortages) {
        const room = limit - settled - outstanding;
        expectThat(left === (room > 0n ? room : 0n), "left is what is free");
      }
      return;
    }
    for (const [at, { key, windowStartMs, granted }] of acquired.grants.entries()) {
      expectThat(windowStartMs >= (this.#starts.get(key) ?? 0), "no window opens twice");
      this.#starts.set(key, windowStartMs);
      const slice = this.#sliceAt(holder, key, windowStartMs);
      const known = claims[at]?.windowStartMs === windowStartMs ? claims[at].known : 0n;
      expectThat(granted >= known + need, "a grant is of the need");
      expectThat(granted >= slice.granted, "a slice does not shrink");
      expectThat(granted === slice.granted || granted <= known + need + more, "what a lost answer granted is granted again, not anew");
      slice.granted = granted;
      if (!isLost) slice.known = granted;
    }
  }

  #use({ kind, slice: number, percent }: Extract<Step, { kind: "spend" | "give" }>): void {
    if (this.#slices.length === 0) return;
    const slice = nth(this.#slices, number);
    const some = (slice.known - slice.used - slice.returned) * BigInt(percent) / 100n;
    if (kind === "spend") slice.used += some;
    else slice.returned += some;
  }

  async #report(holder: string, isRepeated: boolean): Promise<void> {
    const slices = this.#slices.filter((slice) => slice.holder === holder);
    const reports = slices.map((slice) => aReport(slice, { used: slice.used, estimated: slice.used / 2n, returned: slice.returned }));
    await this.#tell(slices, reports);
    if (isRepeated) await this.#tell(slices, reports);
  }

  /** What it held is charged, what it knew or not: it asks the store. */
  async #crash(holder: string): Promise<void> {
    const held = (await this.#store.slicesOf(holder)).filter(({ key }) => this.#accounts.some((account) => account.key === key));
    const slices = held.map(({ key, windowStartMs, granted }) => {
      const slice = this.#sliceAt(holder, key, windowStartMs);
      expectThat(granted === slice.granted, "a slice is remembered as it was granted");
      return Object.assign(slice, { known: granted, used: granted - slice.returned });
    });
    await this.#tell(slices, slices.map((slice) => aReport(slice, { used: slice.used, returned: slice.returned })));
  }

  async #tell(slices: readonly Slice[], reports: readonly SliceReport[]): Promise<void> {
    const { slices: answers } = await this.#store.report(slices[0]?.holder ?? "nobody", reports);
    for (const slice of slices) Object.assign(slice, { saidUsed: slice.used, saidReturned: slice.returned });
    for (const [at, answer] of answers.entries()) {
      expectThat(answer.isKnown && answer.key === reports[at]?.key, "a slice is known");
      const place = placeOf(answer.key, answer.windowStartMs);
      this.#overspent.set(place, (this.#overspent.get(place) ?? 0n) + answer.overspent);
      expectThat(!this.#isExact || answer.overspent === 0n, "nothing is over the limit");
      this.#compare(answer);
    }
  }

  async #adjust({ account: number, word, amount: by }: Extract<Step, { kind: "adjust" }>): Promise<void> {
    const { key, budget } = nth(this.#accounts, number);
    const said = { budget, key, by: "ada", why: "the model" };
    const before = word === "reset" ? await this.#store.standings({ budget, limit: 10 }) : [];
    const changed = await this.#store.adjust(word === "set" || word === "unset" ? { ...said, kind: "set", limit: word === "set" ? by : null }
      : word === "topup" ? { ...said, kind: "topup", amount: by } : { ...said, kind: word });
    for (const { windowStartMs } of word === "reset" ? changed : []) {
      const place = placeOf(key, windowStartMs);
      const settled = before.find((standing) => standing.account.key === key)?.settled ?? 0n;
      this.#forgiven.set(place, (this.#forgiven.get(place) ?? 0n) + settled);
    }
  }

  /** The invariant, for each account: what is settled and out is what the model says, and grew only within the limit. */
  async #check(): Promise<void> {
    for (const standing of await this.#store.standings({ budget: this.#accounts[0]?.budget ?? "", limit: 10 })) {
      const { account: { key }, windowStartMs, limit, settled, outstanding, lost } = standing;
      expectThat(!this.#isExact || lost === 0n, "nothing is lost");
      this.#compare({ key, windowStartMs, settled, outstanding });
      const before = this.#out.get(placeOf(key, windowStartMs)) ?? 0n;
      const all = settled + outstanding + lost;
      expectThat(all <= limit || all <= before, `${settled} + ${outstanding} + ${lost} is within ${limit}`);
      this.#out.set(placeOf(key, windowStartMs), all);
    }
  }

  #compare({ key, windowStartMs, settled, outstanding }: Pick<Reported["slices"][number], "key" | "windowStartMs" | "settled" | "outstanding">): void {
    const slices = this.#slices.filter((slice) => slice.key === key && slice.windowStartMs === windowStartMs);
    const place = placeOf(key, windowStartMs);
    const used = slices.reduce((sum, { saidUsed }) => sum + saidUsed, 0n) - (this.#forgiven.get(place) ?? 0n) - (this.#overspent.get(place) ?? 0n);
    const out = slices.reduce((sum, { granted, saidUsed, saidReturned }) => sum + granted - saidUsed - saidReturned, 0n);
    expectThat(settled === used, `settled is ${settled}, reported were ${used}`);
    if (!this.#isExact) return;
    expectThat(outstanding === out, `outstanding is ${outstanding}, held are ${out}`);
  }

  /** Everything is over, in windows of long ago too: what is settled is what was used, and nothing is out. */
  async #end(): Promise<void> {
    for (const holder of HOLDERS) {
      const slices = this.#slices.filter((slice) => slice.holder === holder);
      for (const slice of slices) slice.returned = slice.granted - slice.used;
      await this.#tell(slices, slices.map((slice) => aReport(slice, { used: slice.used, isOver: true })));
    }
    for (const account of this.#accounts.filter(({ key }) => this.#slices.some((slice) => slice.key === key))) {
      const { outstanding, lost } = await standingOf(this.#store, account);
      expectThat(outstanding + lost === 0n, "nothing is out at the end");
    }
  }

  #sliceAt(holder: string, key: string, windowStartMs: number): Slice {
    const known = this.#slices.find((slice) => slice.holder === holder && slice.key === key && slice.windowStartMs === windowStartMs);
    if (known !== undefined) return known;
    const slice = { holder, key, windowStartMs, known: 0n, granted: 0n, used: 0n, returned: 0n, saidUsed: 0n, saidReturned: 0n };
    this.#slices.push(slice);
    return slice;
  }
}

const placeOf = (key: string, windowStartMs: number): string => `${windowStartMs} ${key}`;

function nth<T>(list: readonly T[], number: number): T {
  const item = list[number % list.length];
  if (item === undefined) throw new Error("an empty list");
  return item;
}

function expectThat(isSo: boolean, claim: string): void {
  if (!isSo) throw new Error(`the ledger broke its word: ${claim}`);
}
