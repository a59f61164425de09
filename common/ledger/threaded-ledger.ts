import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Log } from "../log.ts";
import type { LedgerStore } from "./ledger-store.ts";
import { storeOverLine, type LedgerLine } from "./store-client.ts";
import type { LedgerReply } from "./store-server.ts";
import type { LedgerCall } from "./wire.ts";

/** What the thread is started with. */
export interface ThreadData {
  readonly directory: string;
  readonly ttlMs?: number;
}

export type ThreadCall =
  | { readonly kind: "call"; readonly id: number; readonly call: LedgerCall; readonly body: string }
  | { readonly kind: "close" };

export type ThreadAnswer =
  | { readonly kind: "opened" }
  | { readonly kind: "answered"; readonly id: number; readonly reply: LedgerReply }
  | { readonly kind: "logged"; readonly level: keyof Log; readonly event: string; readonly fields: Record<string, unknown> };

/** A ledger in a thread of its own. */
export interface ThreadedLedger {
  readonly store: LedgerStore;
  /** True once the thread has ended, in any way: the store answers nothing any more. */
  isOver(): boolean;
  /** Resolves then, too. */
  readonly ended: Promise<void>;
}

const CALL_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 5_000;

/** From source as it is, and bundled beside the program (scripts/build.mjs). */
const PROGRAM = new URL(import.meta.url.endsWith(".ts") ? "./ledger-thread.ts" : "./ledger-thread.mjs", import.meta.url);

/**
 * The ledger of `openPgliteLedger` by the system's clock, in a thread, so that the caller's own goes on while the database works.
 * @param data the folder is used by no other thread or process
 * @throws Error if the database does not start
 */
export async function openThreadedLedger(data: ThreadData, log: Log): Promise<ThreadedLedger> {
  const thread = new Worker(PROGRAM, { workerData: data, stdin: false });
  const line = new ThreadLine(thread, log);
  await line.opened;
  return { store: storeOverLine(line), isOver: () => line.isOver, ended: line.ended };
}

class ThreadLine implements LedgerLine {
  readonly #thread: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<LedgerReply>>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #calls = 0;
  #why: unknown = null;
  isOver = false;

  constructor(thread: Worker, log: Log) {
    this.#thread = thread;
    thread.on("message", (answer: ThreadAnswer) => {
      if (answer.kind === "opened") this.#opened.resolve();
      else if (answer.kind === "logged") log[answer.level](answer.event, answer.fields);
      else this.#waiting.get(answer.id)?.resolve(answer.reply);
    });
    thread.on("error", (error) => { this.#why = error; });
    thread.on("exit", () => { this.#end(); });
  }

  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  async send(call: LedgerCall, body: string): Promise<LedgerReply> {
    if (this.isOver) throw this.#ending();
    const id = this.#calls += 1;
    const waiting = Promise.withResolvers<LedgerReply>();
    const timer = setTimeout(() => { waiting.reject(new Error(`the thread of the ledger is silent for ${CALL_TIMEOUT_MS} ms`)); }, CALL_TIMEOUT_MS);
    this.#waiting.set(id, waiting);
    try {
      this.#thread.postMessage({ kind: "call", id, call, body } satisfies ThreadCall);
      return await waiting.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** The database is closed in order, if it can be in time. */
  async close(): Promise<void> {
    if (this.isOver) return;
    const ended = once(this.#thread, "exit", { signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) });
    this.#thread.postMessage({ kind: "close" } satisfies ThreadCall);
    await ended.catch(() => this.#thread.terminate());
  }

  #end(): void {
    this.isOver = true;
    const error = this.#ending();
    this.#opened.reject(error);
    this.#ended.resolve();
    for (const { reject } of this.#waiting.values()) reject(error);
  }

  #ending(): Error {
    return new Error("the thread of the ledger has ended", { cause: this.#why });
  }
}
