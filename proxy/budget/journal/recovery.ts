import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { lockFile } from "../../../common/file-lock.ts";
import type { HeldSlice, LedgerStore, SliceReport } from "../../../common/ledger/ledger-store.ts";
import { REPORTS_LIMIT } from "../../../common/ledger/wire.ts";
import type { LedgerContext } from "../ledger-context.ts";
import { tellOverspentOf } from "../overspent.ts";
import { lockOf, removeJournal } from "./file-journal.ts";
import { readJournal, type ReadJournal, type WrittenSlice } from "./journal-lines.ts";

const SUFFIX = ".journal";

/** What a process left that is gone. */
interface Orphan {
  readonly path: string;
  readonly unlock: () => void;
  readonly journal: Exclude<ReadJournal, { readonly kind: "unknown" }>;
}

export interface RecoveryOptions extends LedgerContext {
  readonly directory: string;
  /** Name of the ledger, and of this boot of the machine; null if it is not known which boot this is. */
  readonly ledger: string;
  readonly boot: string | null;
  readonly store: Pick<LedgerStore, "slicesOf" | "report">;
}

/** The path of a new holder's journal. */
export function journalPath(directory: string, holder: string): string {
  return join(directory, `${holder}${SUFFIX}`);
}

/**
 * Settles for processes that are gone: what was open is charged as it was held, as an estimate; the rest is reported as used and given back. A journal
 * that cannot be believed, or is of another boot, has its holder's slices charged whole. Each is looked at twice, with time between: a call that
 * the dead had sent may be granted after the first look.
 */
export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #orphans: readonly Orphan[];
  readonly #seen = new Set<Orphan>();
  readonly #done = new Set<Orphan>();

  /** Takes the journals that nobody holds the lock of. */
  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#orphans = findOrphans(options);
  }

  get isDone(): boolean {
    return this.#done.size === this.#orphans.length;
  }

  /** One look at each. @returns whether all could be settled for */
  async look(): Promise<boolean> {
    let isGood = true;
    for (const orphan of this.#orphans.filter((one) => !this.#done.has(one))) {
      try {
        await this.#settleFor(orphan);
        if (this.#seen.has(orphan)) this.#finish(orphan);
        this.#seen.add(orphan);
      } catch {
        this.#options.log.warn("ledger.unrecovered", { holder: orphan.journal.head.holder });
        isGood = false;
      }
    }
    return isGood;
  }

  /** Leaves what is not settled for to the next. */
  close(): void {
    for (const orphan of this.#orphans) if (!this.#done.has(orphan)) orphan.unlock();
  }

  async #settleFor({ journal }: Orphan): Promise<void> {
    const { store, boot, log, onEvent } = this.#options;
    const { holder } = journal.head;
    const written = journal.kind === "read" && boot !== null && journal.head.boot === boot ? journal.slices : null;
    const held = await store.slicesOf(holder);
    const reports = held.map((slice) => lastReport(slice, written));
    for (let at = 0; at < reports.length; at += REPORTS_LIMIT) tellOverspentOf(await store.report(holder, reports.slice(at, at + REPORTS_LIMIT)), { log, onEvent });
    if (reports.length === 0) return;
    const charged = reports.reduce((sum, { used }, index) => sum + used - (held[index]?.used ?? 0n), 0n);
    log.info("ledger.recovered", { holder, slices: reports.length, whole: written === null });
    onEvent({ event: "budget.recovered", outcome: "succeeded", fields: { holder, slices: reports.length, charged: charged.toString(), whole: written === null } });
  }

  #finish(orphan: Orphan): void {
    removeJournal(orphan.path);
    orphan.unlock();
    this.#done.add(orphan);
  }
}

/** @param written what the journal knows; null: nothing that can be believed */
function lastReport({ key, windowStartMs, granted, used, returned }: HeldSlice, written: readonly WrittenSlice[] | null): SliceReport {
  const known = written?.find((one) => one.key === key && one.windowStartMs === windowStartMs);
  const most = granted - returned;
  const top = written === null ? most : known?.top ?? used;
  const charged = top > most ? most : top < used ? used : top;
  const estimated = known === undefined ? charged - used : known.estimated + (charged > known.used ? charged - known.used : 0n);
  return { key, windowStartMs, used: charged, estimated: estimated < charged ? estimated : charged, returned: granted - charged, isOver: true };
}

function findOrphans({ directory, ledger, log, onEvent }: RecoveryOptions): readonly Orphan[] {
  if (!existsSync(directory)) return [];
  const paths = readdirSync(directory).filter((name) => name.endsWith(`${SUFFIX}.lock`)).map((name) => join(directory, name.slice(0, -".lock".length)));
  return paths.flatMap((path) => {
    const unlock = lockFile(lockOf(path));
    if (unlock === null) return [];
    const journal = existsSync(path) ? readJournal(readFileSync(path, "utf8")) : null;
    if (journal !== null && journal.kind !== "unknown" && journal.head.ledger === ledger) return [{ path, unlock, journal }];
    if (journal === null) removeJournal(path);
    else if (journal.kind === "unknown") {
      log.error("ledger.journal-unreadable", { path });
      onEvent({ event: "budget.recovered", outcome: "failed", fields: { journal: path } });
    }
    unlock();
    return [];
  });
}
