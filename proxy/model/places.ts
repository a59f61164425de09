/**
 * Members in places that are used again. For what comes and goes with each request a Set is the wrong shape: V8 moves it to a new table every
 * few hundred removals, the old table stays until the next full collection, and with it everything that was in it at the time.
 */
export class Places<T> {
  readonly #places: (T | null)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#places.length - this.#free.length;
  }

  /** @returns a function that takes the member out; calling it again does nothing */
  add(member: T): () => void {
    const place = this.#free.pop() ?? this.#places.length;
    this.#places[place] = member;
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      this.#places[place] = null;
      this.#free.push(place);
    };
  }

  /** Those who are in now, in no order. */
  members(): T[] {
    return this.#places.filter((member) => member !== null);
  }
}
