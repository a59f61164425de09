/** Entries that one key may have waiting; more would be answered too late for anybody to care. */
const KEY_LIMIT = 1_024;

/** Entries by key; keys take turns, and within a key it is first come, first served. Nobody waits for more than one entry of each other key. */
export class FairQueue<T> {
  /** In the order of their turns. */
  readonly #waiting = new Map<string, T[]>();

  /** @returns false if the key has too many already */
  add(key: string, entry: T): boolean {
    const entries = this.#waiting.get(key);
    if (entries === undefined) this.#waiting.set(key, [entry]);
    else if (entries.length >= KEY_LIMIT) return false;
    else entries.push(entry);
    return true;
  }

  /** The next entry of the first key whose turn it is and that may have it; null if there is none. Whoever may not keeps its turn. */
  take(mayHave: (key: string) => boolean = () => true): { readonly key: string; readonly entry: T } | null {
    for (const [key, entries] of this.#waiting) {
      if (!mayHave(key)) continue;
      const entry = entries.shift() as T;
      this.#waiting.delete(key);
      if (entries.length > 0) this.#waiting.set(key, entries);
      return { key, entry };
    }
    return null;
  }

  /** Takes out all that a key has waiting. */
  drop(key: string): readonly T[] {
    const entries = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    return entries;
  }

  /** Takes out everything. */
  clear(): readonly T[] {
    const entries = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    return entries;
  }
}
