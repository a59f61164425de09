import { once } from "node:events";
import { chmodSync, mkdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { lockFile } from "../file-lock.ts";
import { describeError } from "../lifecycle.ts";
import type { Log } from "../log.ts";
import { LedgerUnavailable, type LedgerStore } from "./ledger-store.ts";
import { socketLine } from "./socket-line.ts";
import { serveOnSocket } from "./socket-server.ts";
import { storeOverLine } from "./store-client.ts";
import { openThreadedLedger, type ThreadedLedger } from "./threaded-ledger.ts";

/** The database of a first start is made in less, on a busy machine too. */
const OPEN_DEADLINE_MS = 30_000;
const LOOK_AGAIN_MS = 50;

export interface MachineOptions {
  /** After so long without a report, a holder's slices count as lost. Default 30 seconds. */
  readonly ttlMs?: number;
}

/** Either the process that has the database, or one that asks it. */
interface Part {
  readonly store: LedgerStore;
  /** Asked when a call has failed: whether somebody else may have to take its place. */
  isOver(): boolean;
  close(): Promise<void>;
}

/**
 * The ledger of one machine: a database in a folder, for all processes of its owner. Whoever finds the lock free opens the database and serves it to
 * the others on a socket beside it; when that one goes, in any way, another takes its place. Nothing is opened before it is first asked. Windows
 * follow the system's clock.
 */
export class MachineLedger implements LedgerStore {
  readonly #directory: string;
  readonly #options: MachineOptions;
  readonly #log: Log;
  #part: Part | null = null;
  #opening: Promise<Part> | null = null;
  #isClosed = false;

  /** @param directory made if it is missing, mode 0700 */
  constructor(directory: string, options: MachineOptions, log: Log) {
    this.#directory = directory;
    this.#options = options;
    this.#log = log;
  }

  /** Resolves when it can be asked. @throws LedgerUnavailable */
  async open(): Promise<void> {
    await this.#current();
  }

  acquire: LedgerStore["acquire"] = async (...asked) => this.#ask(async (store) => store.acquire(...asked));
  report: LedgerStore["report"] = async (...asked) => this.#ask(async (store) => store.report(...asked));
  slicesOf: LedgerStore["slicesOf"] = async (...asked) => this.#ask(async (store) => store.slicesOf(...asked));
  standings: LedgerStore["standings"] = async (...asked) => this.#ask(async (store) => store.standings(...asked));
  adjust: LedgerStore["adjust"] = async (...asked) => this.#ask(async (store) => store.adjust(...asked));

  async close(): Promise<void> {
    this.#isClosed = true;
    const part = this.#part ?? await this.#opening?.catch(() => null) ?? null;
    this.#part = null;
    await part?.close();
  }

  async #ask<T>(call: (store: LedgerStore) => Promise<T>): Promise<T> {
    const part = await this.#current();
    try {
      return await call(part.store);
    } catch (error) {
      if (part.isOver()) await this.#leave(part);
      throw error;
    }
  }

  /** Whoever had it may be gone: the next call looks who is, and becomes it if nobody is. */
  async #leave(part: Part): Promise<void> {
    if (this.#part !== part) return;
    this.#part = null;
    await part.close();
  }

  async #current(): Promise<Part> {
    if (this.#isClosed) throw new LedgerUnavailable("the ledger is closed");
    if (this.#part !== null) return this.#part;
    this.#opening ??= this.#find().finally(() => { this.#opening = null; });
    return this.#opening;
  }

  async #find(): Promise<Part> {
    const deadlineMs = performance.now() + OPEN_DEADLINE_MS;
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      chmodSync(this.#directory, 0o700);
      for (;;) {
        const part = await this.#host() ?? await this.#join();
        if (part !== null) return this.#part = part;
        if (this.#isClosed) throw new Error("the ledger is closed");
        if (performance.now() > deadlineMs) throw new Error("whoever has the ledger does not answer");
        await pause(LOOK_AGAIN_MS);
      }
    } catch (cause) {
      this.#log.error("ledger.unopened", { directory: this.#directory, error: describeError(cause) });
      throw new LedgerUnavailable("the ledger of this machine cannot be opened", { cause });
    }
  }

  get #socket(): string {
    return join(this.#directory, "ledger.sock");
  }

  /** @returns null if another process has the database */
  async #host(): Promise<Part | null> {
    const unlock = lockFile(join(this.#directory, "ledger.lock"));
    if (unlock === null) return null;
    let ledger: ThreadedLedger | null = null;
    try {
      ledger = await openThreadedLedger({ ...this.#options, directory: join(this.#directory, "database") }, this.#log);
      const { store, isOver, ended } = ledger;
      const server = await serveOnSocket(store, this.#socket, this.#log);
      const part: Part = {
        store, isOver,
        close: async () => {
          await server.close();
          await store.close();
          unlock();
        },
      };
      // Others may be waiting for a database whose thread has died, while nobody here asks for anything.
      void ended.then(async () => this.#leave(part));
      return part;
    } catch (error) {
      await ledger?.store.close();
      unlock();
      throw error;
    }
  }

  /** @returns null if nobody answers yet */
  async #join(): Promise<Part | null> {
    const probe = connect({ path: this.#socket });
    const isThere = await once(probe, "connect").then(() => true, () => false);
    probe.destroy();
    if (!isThere) return null;
    const store = storeOverLine(socketLine(this.#socket));
    return { store, isOver: () => true, close: async () => store.close() };
  }
}
