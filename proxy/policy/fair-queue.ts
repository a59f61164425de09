/** Entries that one key may have waiting; more would be answered too late for anybody to care. */
const KEY_LIMIT = 1_024;
/** What all entries of one key, of one group, and all together, may hold, in characters: memory of the process that nobody else gets. */
const KEY_LENGTH_LIMIT = 24 << 20;
const GROUP_LENGTH_LIMIT = 32 << 20;
const LENGTH_LIMIT = 64 << 20;

export interface Queued {
  /** Characters of its text. */
  readonly length: number;
  /** By the clock of whoever asks: nobody waits longer. */
  readonly untilMs: number;
}

/** By which keys are ordered: the least goes first, by the first number that differs. */
export type Precedence = (key: string) => readonly number[];

/**
 * Entries by key. The key goes first that has the least to its account (time that it used, say), of equals the one whose turn it is; within a key it is first
 * come, first served.
 */
export class FairQueue<T extends Queued> {
  /** In the order of their turns. */
  readonly #waiting = new Map<string, T[]>();
  readonly #account: Precedence;
  readonly #groupOf: (key: string) => string;
  readonly #lengths = new Map<string, number>();
  #length = 0;

  /** @param groupOf to which group a key belongs; none of them has all the room */
  constructor(account: Precedence = () => [], groupOf: (key: string) => string = (key) => key) {
    this.#account = account;
    this.#groupOf = groupOf;
  }

  /** @returns false if the key, its group, or all together, have too many or too long ones already */
  add(key: string, entry: T): boolean {
    const entries = this.#waiting.get(key) ?? [];
    const ofKey = entries.reduce((sum, { length }) => sum + length, entry.length);
    const ofGroup = (this.#lengths.get(this.#groupOf(key)) ?? 0) + entry.length;
    if (entries.length >= KEY_LIMIT || ofKey > KEY_LENGTH_LIMIT || ofGroup > GROUP_LENGTH_LIMIT || this.#length + entry.length > LENGTH_LIMIT) return false;
    entries.push(entry);
    this.#waiting.set(key, entries);
    this.#count(key, entry.length);
    return true;
  }

  /** The next entry of a key that may have its turn, by its first entry; null if there is none. Whoever may not keeps its turn. */
  take(mayHave: (key: string, first: T) => boolean = () => true): { readonly key: string; readonly entry: T } | null {
    let first: { readonly key: string; readonly account: readonly number[] } | null = null;
    for (const [key, [next]] of this.#waiting) {
      if (next === undefined || !mayHave(key, next)) continue;
      const account = this.#account(key);
      if (first === null || isLess(account, first.account)) first = { key, account };
    }
    if (first === null) return null;
    const { key } = first;
    const [entry, ...others] = this.drop(key) as readonly [T, ...T[]];
    this.#keep(key, others);
    return { key, entry };
  }

  /** Takes out what has waited too long. */
  expire(nowMs: number): readonly T[] {
    const late: T[] = [];
    for (const [key, entries] of [...this.#waiting]) {
      if (entries.every(({ untilMs }) => nowMs < untilMs)) continue;
      late.push(...entries.filter(({ untilMs }) => nowMs >= untilMs));
      this.#keep(key, this.drop(key).filter(({ untilMs }) => nowMs < untilMs));
    }
    return late;
  }

  /** Takes out all that a key has waiting. */
  drop(key: string): readonly T[] {
    const entries = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    for (const { length } of entries) this.#count(key, -length);
    return entries;
  }

  /** Takes out everything. */
  clear(): readonly T[] {
    return [...this.#waiting.keys()].flatMap((key) => this.drop(key));
  }

  #keep(key: string, entries: readonly T[]): void {
    if (entries.length === 0) return;
    this.#waiting.set(key, [...entries]);
    for (const { length } of entries) this.#count(key, length);
  }

  #count(key: string, length: number): void {
    const group = this.#groupOf(key);
    const ofGroup = (this.#lengths.get(group) ?? 0) + length;
    if (ofGroup === 0) this.#lengths.delete(group);
    else this.#lengths.set(group, ofGroup);
    this.#length += length;
  }
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at !== -1 && (a[at] ?? 0) < (b[at] ?? 0);
}
