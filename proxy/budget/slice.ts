/**
 * What this process holds of one count in one window. At every instant used + reserved ≤ granted − returned. All numbers but `reserved` are cumulative:
 * saying them twice to the store changes nothing.
 */
export class Slice {
  readonly key: string;
  readonly windowStartMs: number;
  readonly windowEndMs: number | null;
  /** Wall-clock milliseconds after which nothing more is taken from it; null: never. */
  endsAtMs: number | null;
  #granted = 0n;
  #used = 0n;
  #estimated = 0n;
  #returned = 0n;
  #reserved = 0n;
  /** What the store has confirmed to know. */
  reported = { used: 0n, returned: 0n };
  /** Nothing will be used any more. */
  isOver = false;
  /** The store has disowned it: what it held is void. */
  isVoid = false;
  /** The most of it that is used if this process ends now, as the journal knows it. */
  covered = 0n;
  /** How much more than what is open the journal covers, so that not every chunk of a stream is written down. */
  ahead = 0n;
  /** Its number in the journal; 0 if it is in none. */
  journalNumber = 0;

  constructor(key: string, windowStartMs: number, windowEndMs: number | null) {
    this.key = key;
    this.windowStartMs = windowStartMs;
    this.windowEndMs = windowEndMs;
    this.endsAtMs = windowEndMs;
  }

  get granted(): bigint { return this.#granted; }
  get used(): bigint { return this.#used; }
  get estimated(): bigint { return this.#estimated; }
  get returned(): bigint { return this.#returned; }
  get reserved(): bigint { return this.#reserved; }

  /** Neither used, nor reserved, nor given back. */
  get free(): bigint {
    return this.isVoid ? 0n : this.#granted - this.#returned - this.#used - this.#reserved;
  }

  /** Whether there is something to tell the store. */
  get isChanged(): boolean {
    return this.#used !== this.reported.used || this.#returned !== this.reported.returned || this.isOver;
  }

  /** @param granted all that was ever granted; an answer that was overtaken by another changes nothing */
  grow(granted: bigint): void {
    if (granted > this.#granted) this.#granted = granted;
  }

  /** @throws RangeError if it is not free: the invariant is kept here, whoever calls */
  reserve(amount: bigint): void {
    if (amount > this.free) throw new RangeError(`${this.key}: ${amount} of ${this.free} free`);
    this.#reserved += amount;
  }

  /** Turns what was reserved into what was used, of which a part is an estimate, and frees the rest. @param used at most `reserved` */
  settle(reserved: bigint, used: bigint, estimated: bigint): void {
    this.#reserved -= reserved;
    this.#used += used;
    this.#estimated += estimated;
  }

  /** @param amount at most what is free */
  giveBack(amount: bigint): void {
    if (amount > this.free) throw new RangeError(`${this.key}: gives back ${amount} of ${this.free} free`);
    this.#returned += amount;
  }
}
