import { Places } from "../model/places.ts";

/** Something that must not stay silent for ever. */
export interface Watched {
  /** Called about once a second; ends itself if it has been silent for too long. Must not throw. */
  endIfIdle(nowMs: number): void;
}

const TICK_MS = 1_000;

/** One timer for all open exchanges, because a timer for each costs more than the exchange's own work. Accurate to a second. */
export class IdleWatch {
  readonly #members = new Places<Watched>();
  readonly #monotonicMs: () => number;
  readonly #timer: NodeJS.Timeout;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
    this.#timer = setInterval(() => { this.tick(); }, TICK_MS).unref();
  }

  get size(): number {
    return this.#members.size;
  }

  /** @returns a function that ends the watch; call it in `finally` */
  add(member: Watched): () => void {
    return this.#members.add(member);
  }

  tick(): void {
    const nowMs = this.#monotonicMs();
    for (const member of this.#members.members()) member.endIfIdle(nowMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
