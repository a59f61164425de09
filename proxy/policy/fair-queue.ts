/** Entries that one key may have waiting; more would be answered too late for anybody to care. */
const KEY_LIMIT = 256;

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

  /** The next entry of the key whose turn it is; null if there is none. */
  take(): { readonly key: string; readonly entry: T } | null {
    const [first] = this.#waiting;
    if (first === undefined) return null;
    const [key, [entry, ...rest]] = first;
    this.#waiting.delete(key);
    if (rest.length > 0) this.#waiting.set(key, rest);
    return { key, entry: entry as T };
  }

  /** Takes out all that a key has waiting. */
  drop(key: string): readonly T[] {
    const entries = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    return entries;
  }
}
