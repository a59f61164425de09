import type { Reported, SliceReport } from "../../common/ledger/ledger-store.ts";
import { REPORTS_LIMIT } from "../../common/ledger/wire.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Journal } from "./journal/journal.ts";
import type { LedgerContext } from "./ledger-context.ts";
import { surplusOf } from "./needs.ts";
import type { Purse } from "./purse.ts";
import type { Slice } from "./slice.ts";
import type { StoreDesk } from "./store-desk.ts";

/** A slice that nobody used for so long is ended, so that its count need not be kept in memory. */
const FORGOTTEN_MS = 60_000;
const HEARTBEATS = 3;

interface ReporterParts extends LedgerContext {
  readonly desk: StoreDesk;
  readonly journal: Journal;
  readonly purses: ReadonlyMap<string, Purse>;
  /** Something became free, or was ended. */
  readonly onChange: () => void;
}

/** Tells the store now and then what became of slices, and gives back what nobody needs. */
export class Reporter {
  readonly #parts: ReporterParts;
  readonly #saidAtMs = new WeakMap<Slice, number>();
  #running: Promise<void> | null = null;
  #isDue = false;

  constructor(parts: ReporterParts) {
    this.#parts = parts;
  }

  /** One turn: measures, gives back, reports. Never rejects. */
  async turn(): Promise<void> {
    const { clock, purses } = this.#parts;
    for (const purse of purses.values()) if (!purse.isIdle) this.#tidy(purse, clock.nowMs(), clock.monotonicMs());
    await this.report();
  }

  /** Reports what has changed, and what was not spoken of for long. Never rejects. */
  async report(): Promise<void> {
    this.#isDue = true;
    this.#running ??= this.#reportAll().finally(() => { this.#running = null; });
    await this.#running;
  }

  /** Gives everything of it back that no open request holds. */
  giveBack(purse: Purse): void {
    for (const slice of purse.slices) this.#return(slice, slice.free);
  }

  async #reportAll(): Promise<void> {
    const again = new Set<Slice>();
    while (this.#isDue) {
      this.#isDue = false;
      const due = this.#due();
      try {
        for (let at = 0; at < due.length; at += REPORTS_LIMIT) await this.#reportSome(due.slice(at, at + REPORTS_LIMIT), again);
        if (this.#parts.desk.isUncertain && due.length > 0) await this.#recount();
      } catch (error) {
        this.#parts.log.debug("ledger.unreported", { error: describeError(error) });
      }
    }
  }

  #due(): readonly Slice[] {
    const { clock, timing, purses } = this.#parts;
    const before = clock.monotonicMs() - timing.ttlMs / HEARTBEATS;
    const isDue = (slice: Slice): boolean => slice.isChanged || (this.#saidAtMs.get(slice) ?? Number.NEGATIVE_INFINITY) <= before;
    return [...purses.values()].flatMap((purse) => (purse.isIdle ? [] : purse.slices.filter(isDue)));
  }

  async #reportSome(slices: readonly Slice[], again: Set<Slice>): Promise<void> {
    const { desk, journal, clock, log } = this.#parts;
    try {
      // What is reported as used is in the journal first: whoever comes after a crash must not know less than the store.
      for (const slice of slices) journal.touch(slice);
      journal.cover();
    } catch (error) {
      log.error("ledger.unwritten", { error: describeError(error) });
    }
    const reports = slices.map(reportOf);
    const { slices: answers } = await desk.report(reports);
    const nowMs = clock.monotonicMs();
    for (const slice of slices) this.#saidAtMs.set(slice, nowMs);
    for (const [index, said] of answers.entries()) {
      const [report, slice] = [reports[index], slices[index]];
      if (report === undefined || slice === undefined || !this.#hear(said, report, slice) || again.has(slice)) continue;
      // Who was asked to give back has answered with its next report: now, for somebody waits.
      again.add(slice);
      this.#saidAtMs.delete(slice);
      this.#isDue = true;
    }
    this.#parts.onChange();
  }

  /** @returns whether it was asked to give back */
  #hear(said: Reported["slices"][number], report: SliceReport, slice: Slice): boolean {
    const { purses, journal, clock } = this.#parts;
    const purse = purses.get(said.key);
    if (purse === undefined) return false;
    const before = purse.known(clock.nowMs()).limit;
    purse.heard(said, report);
    if (report.isOver || !said.isKnown) journal.forget(slice);
    if (!said.isKnown && !report.isOver) this.#disowned(purse, slice);
    const mustGive = said.isKnown && (said.isWanted || said.limit < before);
    if (!mustGive) return false;
    purse.pace.beModest(clock.monotonicMs());
    this.giveBack(purse);
    return true;
  }

  #disowned({ key, spec: { budget } }: Purse, { reserved, used, reported }: Slice): void {
    const unsettled = (reserved + used - reported.used).toString();
    this.#parts.log.warn("ledger.disowned", { key, unsettled });
    this.#parts.onEvent({ event: "budget.disowned", outcome: "failed", fields: { budget, key, unsettled } });
  }

  /** After an answer that was lost: what the store has granted is ours, whether we heard of it or not. @throws LedgerUnavailable */
  async #recount(): Promise<void> {
    const { desk, purses } = this.#parts;
    desk.isUncertain = false;
    const unknown: SliceReport[] = [];
    for (const held of await desk.held().catch((error: unknown) => { desk.isUncertain = true; throw error; })) {
      const purse = purses.get(held.key);
      const slice = purse?.slices.find(({ windowStartMs }) => windowStartMs === held.windowStartMs);
      if (slice !== undefined) slice.grow(held.granted);
      else if (purse?.isAsked !== true) unknown.push({ ...held, estimated: 0n, isOver: true });
    }
    for (let at = 0; at < unknown.length; at += REPORTS_LIMIT) await desk.report(unknown.slice(at, at + REPORTS_LIMIT));
  }

  #tidy(purse: Purse, nowMs: number, monotonicMs: number): void {
    purse.pace.measure(monotonicMs);
    purse.endWindows(nowMs);
    const idleMs = monotonicMs - purse.pace.takenAtMs;
    if (purse.waiting > 0 || purse.isAsked || idleMs < 0) return;
    const slice = purse.slice(nowMs);
    if (slice !== null) this.#return(slice, idleMs >= this.#parts.timing.idleSlackMs ? slice.free : surplusOf(purse, slice.free));
    if (idleMs >= FORGOTTEN_MS && purse.holders === 0) purse.end();
  }

  #return(slice: Slice, amount: bigint): void {
    if (amount <= 0n || slice.isVoid) return;
    slice.giveBack(amount);
    this.#parts.journal.touch(slice);
  }
}

function reportOf({ key, windowStartMs, used, estimated, returned, isOver }: Slice): SliceReport {
  return { key, windowStartMs, used, estimated, returned, isOver };
}
