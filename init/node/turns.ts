/** Lets a limited number of tasks run at a time; the others wait in order. */
export class Turns {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Runs the task when it is its turn. @throws the task's own error, or the signal's reason if it aborts while waiting */
  async take<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#running >= this.#limit) await this.#wait();
    else this.#running += 1;
    try {
      signal.throwIfAborted();
      return await task();
    } finally {
      this.#passOn();
    }
  }

  async #wait(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    await promise;
  }

  /** The turn goes to the next one as it is, so that nobody who comes now gets in between. */
  #passOn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}
