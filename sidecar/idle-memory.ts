import type { SystemCalls } from "./system-calls.ts";

/** How long nothing must flow before memory is given back; in milliseconds. */
const QUIET_MS = 10_000;
const PASSES = 3;

/**
 * Gives memory back to the system when the sidecar has nothing to do: there is one in each pod, nearly always idle, and start-up
 * and load both leave behind what the collector would not look at for a long time. Needs `--expose-gc` (common/sidecar-flags.ts).
 */
export class IdleMemory {
  readonly #calls: SystemCalls;
  #timer: NodeJS.Timeout | undefined;

  constructor(calls: SystemCalls) {
    this.#calls = calls;
  }

  /** Call when nothing flows any more. */
  quiet(): void {
    this.#timer ??= setTimeout(() => { this.release(); }, QUIET_MS).unref();
    this.#timer.refresh();
  }

  /** Call when something flows again. */
  busy(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  release(): void {
    const collect = globalThis.gc as ((options: object) => void) | undefined;
    for (let pass = 0; pass < PASSES; pass += 1) collect?.({ type: "major", flavor: "last-resort", execution: "sync" });
    this.#calls.trimHeap();
  }
}
