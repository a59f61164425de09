/** What `npm run proof -- NAME` gives a proof, and what it gets back. Each file `test/proofs/NAME.ts` exports `run`. */
export interface ProofOptions {
  /** The short form that is part of `npm run verify`. */
  readonly quick: boolean;
  /** Every random choice comes from this. */
  readonly seed: number;
  print(line: string): void;
}

export interface ProofResult {
  readonly holds: boolean;
  /** The last line of the proof says `proof NAME: FIGURE`. */
  readonly figure: string;
}

/** A small seeded generator (mulberry32): numbers in [0, 1). For choosing cases, not for secrets. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
