import { isDeepStrictEqual } from "node:util";

/** Sentences that were found to hold, or not. */
export class Statements {
  readonly #print: (line: string) => void;
  held = 0;
  readonly broken: string[] = [];

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  /** @param found printed where it does not hold */
  say(sentence: string, holds: boolean, found?: unknown): void {
    if (holds) this.held += 1;
    else this.broken.push(sentence);
    this.#print(`  ${holds ? "ok  " : "FAIL"} ${sentence}`);
    if (!holds && found !== undefined) this.#print(`       ${typeof found === "string" ? found : JSON.stringify(found)}`);
  }

  same(sentence: string, found: unknown, expected: unknown): void {
    this.say(sentence, isDeepStrictEqual(found, expected), found);
  }

  /** Some statements about one thing; what throws is one that does not hold. */
  async about(what: string, check: () => Promise<void>): Promise<void> {
    this.#print(` ${what}`);
    try {
      await check();
    } catch (error) {
      this.say(`${what}: nothing unexpected happens`, false, error instanceof Error ? error.stack ?? error.message : String(error));
    }
  }
}
