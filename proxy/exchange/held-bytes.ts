import type { AgentIdentity } from "../model/agent.ts";

/** For whom something is held back. */
export type Holder = Pick<AgentIdentity, "namespace" | "name" | "instance">;

/**
 * What all requests together may hold back: an instance a quarter, an agent half, so that none keeps the others from holding anything. What waits for a
 * person is held for as long as that takes.
 */
export class HeldBytes {
  readonly #limitBytes: number;
  /** By instance, and by agent. */
  readonly #shares = new Map<string, number>();
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Bytes that are held now, all together. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @returns false if there is no room; otherwise give the same number back when they are gone */
  take(holder: Holder, bytes: number): boolean {
    const isTooMuch = ([key, part]: Share) => (this.#shares.get(key) ?? 0) + bytes > this.#limitBytes * part;
    if (this.#bytes + bytes > this.#limitBytes || sharesOf(holder).some(isTooMuch)) return false;
    this.#add(holder, bytes);
    return true;
  }

  /** The same for one of them. */
  roomOf(holder: Holder): { take(bytes: number): boolean; giveBack(bytes: number): void } {
    return { take: (bytes) => this.take(holder, bytes), giveBack: (bytes) => { this.giveBack(holder, bytes); } };
  }

  giveBack(holder: Holder, bytes: number): void {
    this.#add(holder, -bytes);
  }

  #add(holder: Holder, bytes: number): void {
    this.#bytes += bytes;
    for (const [key] of sharesOf(holder)) {
      const held = (this.#shares.get(key) ?? 0) + bytes;
      if (held > 0) this.#shares.set(key, held);
      else this.#shares.delete(key);
    }
  }
}

type Share = readonly [key: string, part: number];

/** No instance has a slash at its beginning. */
function sharesOf({ namespace, name, instance }: Holder): readonly Share[] {
  return [[instance, 1 / 4], [`/${namespace}/${name}`, 1 / 2]];
}
