const MOST_GROWTH = 16;

/**
 * How much output is held where nothing bounds it: a stair that is climbed before the stream gets there, by steps that grow with it. The first step is held from
 * the start.
 */
export class OutputSteps {
  readonly #stepTokens: number;
  #heldTokens: number;

  constructor(stepTokens: number) {
    this.#stepTokens = stepTokens;
    this.#heldTokens = stepTokens;
  }

  /** Tokens of output to hold once `tokens` may have been written: always at least half a step more. */
  heldFor(tokens: number): number {
    while (tokens + this.#stepTokens / 2 > this.#heldTokens) this.#heldTokens += Math.min(this.#heldTokens, MOST_GROWTH * this.#stepTokens);
    return this.#heldTokens;
  }
}
