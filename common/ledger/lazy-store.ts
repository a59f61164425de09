import { describeError } from "../lifecycle.ts";
import type { Log } from "../log.ts";
import { LedgerUnavailable, type LedgerStore } from "./ledger-store.ts";

/** A store that is opened when it is first asked, and tried again with each call while that fails: who counts nothing needs none. */
export class LazyStore implements LedgerStore {
  readonly #make: () => Promise<LedgerStore>;
  readonly #log: Log;
  #store: Promise<LedgerStore> | null = null;
  #isClosed = false;

  constructor(make: () => Promise<LedgerStore>, log: Log) {
    this.#make = make;
    this.#log = log;
  }

  acquire: LedgerStore["acquire"] = async (...asked) => (await this.#opened()).acquire(...asked);
  report: LedgerStore["report"] = async (...asked) => (await this.#opened()).report(...asked);
  slicesOf: LedgerStore["slicesOf"] = async (...asked) => (await this.#opened()).slicesOf(...asked);
  standings: LedgerStore["standings"] = async (...asked) => (await this.#opened()).standings(...asked);
  adjust: LedgerStore["adjust"] = async (...asked) => (await this.#opened()).adjust(...asked);

  async close(): Promise<void> {
    this.#isClosed = true;
    await (await this.#store?.catch(() => null))?.close();
  }

  async #opened(): Promise<LedgerStore> {
    if (this.#isClosed) throw new LedgerUnavailable("the ledger is closed");
    this.#store ??= this.#make();
    const opening = this.#store;
    try {
      return await opening;
    } catch (cause) {
      if (this.#store === opening) this.#store = null;
      this.#log.error("ledger.unopened", { error: describeError(cause) });
      throw new LedgerUnavailable("the ledger cannot be opened", { cause });
    }
  }
}
