import { setTimeout as pause } from "node:timers/promises";

/** Something that calls back when it has changed. @returns a function that stops that */
export interface Changing {
  onChange(listener: () => void): () => void;
}

/** Somebody who waits for something to change; opened before the first look, it misses nothing. */
export class Changes implements Disposable {
  readonly #stop: () => void;
  #hasChanged = false;
  #listening: AbortController | null = null;

  constructor(changing: Changing) {
    this.#stop = changing.onChange(() => {
      this.#hasChanged = true;
      this.#listening?.abort();
    });
  }

  /** Resolves at the next change, at one since the last call, after `ms`, or with the signal. */
  async next(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#hasChanged && !signal.aborted && ms > 0) {
      this.#listening = new AbortController();
      await pause(ms, undefined, { signal: AbortSignal.any([signal, this.#listening.signal]), ref: false }).catch(() => undefined);
      this.#listening = null;
    }
    this.#hasChanged = false;
  }

  [Symbol.dispose](): void {
    this.#stop();
  }
}
