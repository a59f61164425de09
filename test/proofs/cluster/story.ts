import { setTimeout as pause } from "node:timers/promises";

const POLL_MS = 100;
const DEADLINE_MS = 60_000;

/** What must be true in a scene, told line by line; what is not is counted. */
export class Story {
  readonly #print: (line: string) => void;
  #held = 0;
  readonly #faults: string[] = [];

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  /** One scene. What it throws is a fault of the story, and the story goes on. */
  async scene(name: string, play: () => Promise<void>): Promise<void> {
    const startedAtMs = performance.now();
    const before = this.#faults.length;
    try {
      await play();
    } catch (error) {
      this.must(false, `${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.#print(`  ${this.#faults.length === before ? "holds" : "FAILS"}: ${name} (${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s)`);
  }

  /** @param what is not so, if it does not hold */
  must(holds: boolean, what: string): void {
    if (holds) this.#held += 1;
    else {
      this.#faults.push(what);
      this.#print(`  FAULT ${what}`);
    }
  }

  holds(): boolean {
    return this.#held > 0 && this.#faults.length === 0;
  }

  figure(): string {
    return `${this.#held} statements hold, ${this.#faults.length} do not`;
  }
}

/** Polls until it is there. @throws Error that names what was waited for */
export async function until<T>(what: string, look: () => Promise<T | null | undefined | false>, deadlineMs = DEADLINE_MS): Promise<T> {
  const deadline = AbortSignal.timeout(deadlineMs);
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (deadline.aborted) throw new Error(`${what}: not within ${deadlineMs / 1_000} s`);
    await pause(POLL_MS);
  }
}
