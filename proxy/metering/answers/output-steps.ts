/** Each step is a quarter of what is held: few steps for a long answer, and little asked for in vain near the end of a budget. */
const GROWTH = 0.25;

/**
 * How much output is held where nothing bounds it: a stair that is climbed before the stream gets there, by steps that grow with it. The first step is
 * held from the start.
 */
export class OutputSteps {
  readonly #stepTokens: number;
  #grantedTokens: number;
  #heldTokens: number;

  /** @param stepTokens the first step */
  constructor(stepTokens: number) {
    this.#stepTokens = stepTokens;
    this.#grantedTokens = stepTokens;
    this.#heldTokens = stepTokens;
  }

  /** What is held, with the step that was asked for last. */
  get heldTokens(): number {
    return this.#heldTokens;
  }

  /** What was held before that step: all there is where it was refused. */
  get grantedTokens(): number {
    return this.#grantedTokens;
  }

  /** Tokens of output to hold once `tokens` may have been written: always at least half a step more. */
  heldFor(tokens: number): number {
    const wanted = tokens + this.#stepTokens / 2;
    if (wanted > this.#heldTokens) this.#grantedTokens = this.#heldTokens;
    while (wanted > this.#heldTokens) this.#heldTokens += Math.max(this.#stepTokens, Math.ceil(this.#heldTokens * GROWTH));
    return this.#heldTokens;
  }
}
