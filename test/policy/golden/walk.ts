/** Picks one of a list; the same picks for the same seed, on every machine. */
export type Picker = <T>(list: readonly T[]) => T;

/** A linear congruential generator (Numerical Recipes). @returns a number from 0 up to, but without, `below` */
export function walk(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export function picker(seed: number): Picker {
  const next = walk(seed);
  return (list) => list[next(list.length)] as (typeof list)[number];
}
