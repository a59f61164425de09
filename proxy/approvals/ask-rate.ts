import type { Clock } from "../../common/clock.ts";

/** Agents that are remembered; one that is forgotten begins with all of its room. */
const AGENT_LIMIT = 10_000;
const MINUTE_MS = 60_000;

interface Room {
  left: number;
  atMs: number;
}

/** How often one agent may ask something new: so many a minute, over all of its threads, and as many at once. Each question goes on record, whoever stays for it. */
export class AskRate {
  readonly #clock: Clock;
  readonly #perMinute: number;
  readonly #rooms = new Map<string, Room>();

  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock;
    this.#perMinute = perMinute;
  }

  /** @returns whether one more is within the rate; then it is counted */
  take(agent: string): boolean {
    const atMs = this.#clock.monotonicMs();
    const room = this.#rooms.get(agent) ?? { left: this.#perMinute, atMs };
    const left = Math.min(this.#perMinute, room.left + (atMs - room.atMs) * this.#perMinute / MINUTE_MS);
    this.#rooms.delete(agent);
    this.#rooms.set(agent, { left: left < 1 ? left : left - 1, atMs });
    const [oldest] = this.#rooms.keys();
    if (this.#rooms.size > AGENT_LIMIT && oldest !== undefined) this.#rooms.delete(oldest);
    return left >= 1;
  }
}
