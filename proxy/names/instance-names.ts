import { LRUCache } from "lru-cache";
import type { Clock } from "../../common/clock.ts";
import { EgressError } from "../errors.ts";

/** 198.18.0.0/24 is left out: rules and resolvers need fixed addresses now and then. */
const FIRST_INDEX = 256;
/** 16,384 places for 4,096 names: the rest is the quarantine, about 40 new names a second for ever. */
export const LAST_INDEX = FIRST_INDEX + 16_383;
const NAME_LIMIT = 4_096;
/** No address stands for another name before every cache of the agent has lost it; our answers live 10 s, browsers keep a minute. */
const QUARANTINE_MS = 300_000;

/** The names that one instance was told, each with its index; the one that was used longest ago makes room. */
export class InstanceNames {
  readonly #clock: Clock;
  readonly #indexes: LRUCache<string, number>;
  readonly #names = new Map<number, string>();
  /** Free again, oldest first. */
  readonly #quarantine: { readonly index: number; readonly sinceMs: number }[] = [];
  #quarantineHead = 0;
  #nextFresh = FIRST_INDEX;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#indexes = new LRUCache({
      max: NAME_LIMIT,
      dispose: (index, name) => {
        if (this.#names.get(index) === name) this.#names.delete(index);
        this.#quarantine.push({ index, sinceMs: this.#clock.monotonicMs() });
      },
    });
  }

  /** @throws EgressError `name.flood` */
  indexFor(name: string): number {
    const known = this.#indexes.get(name);
    if (known !== undefined) return known;
    const index = this.#freeIndex();
    this.#names.set(index, name);
    this.#indexes.set(name, index);
    return index;
  }

  /** Counts as a use of the name. */
  nameAt(index: number): string | undefined {
    const name = this.#names.get(index);
    if (name !== undefined) this.#indexes.get(name);
    return name;
  }

  #freeIndex(): number {
    if (this.#nextFresh <= LAST_INDEX) {
      this.#nextFresh += 1;
      return this.#nextFresh - 1;
    }
    const oldest = this.#quarantine[this.#quarantineHead];
    if (oldest === undefined || this.#clock.monotonicMs() - oldest.sinceMs < QUARANTINE_MS) {
      throw new EgressError("name.flood", "the instance asks for new names faster than addresses become free");
    }
    this.#quarantineHead += 1;
    this.#compact();
    return oldest.index;
  }

  /** Keeps the queue's memory in proportion to what waits in it, at a constant cost for each use. */
  #compact(): void {
    if (this.#quarantineHead * 2 < this.#quarantine.length) return;
    this.#quarantine.splice(0, this.#quarantineHead);
    this.#quarantineHead = 0;
  }
}
