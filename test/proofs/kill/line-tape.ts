import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";

/** The lines that a process prints, as they come, and a way to wait for them without sleeping. */
export class LineTape {
  readonly #lines: string[] = [];
  readonly #waiters = new Set<() => void>();

  get lines(): readonly string[] {
    return this.#lines;
  }

  get length(): number {
    return this.#lines.length;
  }

  count(holds: (line: string) => boolean): number {
    return this.#lines.filter(holds).length;
  }

  follow(child: ChildProcess, stream: "stdout" | "stderr" = "stdout"): void {
    const input = child[stream];
    if (input === null) throw new Error(`${stream} is not a pipe`);
    createInterface({ input }).on("line", (line) => {
      this.#lines.push(line);
      for (const waiter of [...this.#waiters]) waiter();
    });
  }

  /** Resolves when the lines so far satisfy the condition. @throws Error with the last lines after the deadline */
  async until(condition: (lines: readonly string[]) => boolean, deadlineMs: number): Promise<void> {
    if (condition(this.#lines)) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = () => { if (condition(this.#lines)) resolve(); };
    const timer = setTimeout(() => { reject(new Error(`not seen within ${deadlineMs} ms; the last lines: ${this.#lines.slice(-8).join(" | ")}`)); }, deadlineMs);
    this.#waiters.add(waiter);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    }
  }
}
