import type { Log } from "./log.ts";

/**
 * Owner of everything that outlives a function call: background tasks by name, and what to close at the end.
 * `stop()` aborts the signal, then closes in reverse order of opening, each with a deadline; it never throws.
 */
export class Lifecycle {
  readonly #abort = new AbortController();
  readonly #closers: { name: string; close: () => Promise<void> | void }[] = [];
  readonly #tasks = new Set<Promise<void>>();
  readonly #log: Log;
  #stopping: Promise<void> | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Aborts when the program begins to stop. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Runs a background task; its failure is logged once, under its name, and does not end the program. */
  run(name: string, task: (signal: AbortSignal) => Promise<void>): void {
    const running = task(this.signal)
      .catch((error: unknown) => {
        if (!this.#isOwnStop(error)) this.#log.error("task.failed", { task: name, error: describeError(error) });
      })
      .finally(() => this.#tasks.delete(running));
    this.#tasks.add(running);
  }

  /** Registers what must be closed at the end; called in reverse order of registration. */
  onStop(name: string, close: () => Promise<void> | void): void {
    this.#closers.push({ name, close });
  }

  /** Ends everything. Calling it again waits for the same end. @param deadlineMs for each closer and for the tasks together */
  stop(deadlineMs = 10_000): Promise<void> {
    this.#stopping ??= this.#stop(deadlineMs);
    return this.#stopping;
  }

  /** A task that ends because it was told to is no failure; anything else is, even while stopping. */
  #isOwnStop(error: unknown): boolean {
    return this.signal.aborted && (error === this.signal.reason || (error instanceof Error && error.name === "AbortError"));
  }

  async #stop(deadlineMs: number): Promise<void> {
    this.#abort.abort(new Error("stopping"));
    for (const { name, close } of this.#closers.reverse()) {
      await within(deadlineMs, async () => close()).catch((error: unknown) => {
        this.#log.error("close.failed", { part: name, error: describeError(error) });
      });
    }
    await within(deadlineMs, () => Promise.all(this.#tasks)).catch(() => {
      this.#log.error("tasks.abandoned", { tasks: this.#tasks.size });
    });
  }
}

async function within(deadlineMs: number, work: () => Promise<unknown>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => { reject(new Error(`not done after ${deadlineMs} ms`)); }, deadlineMs);
  try {
    await Promise.race([work(), promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** One line for a log field: message and causes, no stack. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describeError(error.cause)}`;
}
