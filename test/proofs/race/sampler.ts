import { setTimeout as pause } from "node:timers/promises";
import type { ProviderProcess } from "../../support/model-provider/provider-process.ts";
import { judgeSample, type Sample } from "./judge.ts";
import type { LedgerBook } from "./ledger-book.ts";

const PERIOD_MS = 100;

/** Looks at both books all the time, and judges each look. */
export class Sampler {
  readonly #provider: ProviderProcess;
  readonly #book: LedgerBook;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly problems: string[] = [];
  count = 0;

  constructor(provider: ProviderProcess, book: LedgerBook) {
    this.#provider = provider;
    this.#book = book;
    this.#running = this.#run();
  }

  /** @returns the last look */
  async stop(): Promise<Sample> {
    this.#stop.abort();
    await this.#running;
    return this.#look();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      // The ledger is away now and then: then there is nothing to compare.
      const sample = await this.#look().catch(() => null);
      if (sample !== null) {
        this.count += 1;
        this.problems.push(...judgeSample(sample));
      }
      await pause(PERIOD_MS);
    }
  }

  /** What was paid first: what was held for it cannot be gone before it is settled. */
  async #look(): Promise<Sample> {
    const { byPayer } = await this.#provider.sums();
    return { atMs: Date.now(), spent: byPayer, ledger: await this.#book.read() };
  }
}
