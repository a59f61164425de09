/** What is held ahead is spent in about so long. */
const AHEAD_SECONDS = 2n;
/** Of what is left, no more than this part is held ahead: the nearer the cap, the smaller the slices. */
const SHARE_OF_LEFT = 8n;
/** Asking again within this time means that the last slice was too small. */
const SOON_MS = 1_000;
/** After others wanted what we had, no more is held ahead for so long. */
const MODEST_MS = 5_000;
const MS_PER_S = 1_000n;
/** Over less time than this a rate says nothing. */
const MEASURED_MS = 100;

/** How fast a count is taken from, and so how much of it is worth holding ahead. Times are monotonic milliseconds. */
export class Pace {
  #takenSince = 0n;
  #perSecond = 0n;
  #measuredAtMs: number | null = null;
  #lastAhead = 0n;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #modestUntilMs = Number.NEGATIVE_INFINITY;
  /** With less than this free, more is asked for before somebody has to wait: about what is taken in half a second. */
  lowWater = 0n;
  /** When something was last taken. */
  takenAtMs = Number.NEGATIVE_INFINITY;

  took(amount: bigint, nowMs: number): void {
    this.#measuredAtMs ??= nowMs;
    this.#takenSince += amount;
    this.takenAtMs = nowMs;
  }

  /** Called now and then: half of what is known is of the time since the last call. */
  measure(nowMs: number): void {
    const sinceMs = this.#measuredAtMs === null ? 0 : Math.floor(nowMs - this.#measuredAtMs);
    if (sinceMs < MEASURED_MS) return;
    this.#measuredAtMs = nowMs;
    this.#perSecond = (this.#perSecond + this.#takenSince * MS_PER_S / BigInt(sinceMs)) / 2n;
    this.#takenSince = 0n;
    this.lowWater = this.isModest(nowMs) ? 0n : this.#perSecond / 2n;
  }

  /** Somebody else wants what we hold. */
  beModest(nowMs: number): void {
    this.#modestUntilMs = nowMs + MODEST_MS;
    this.#lastAhead = 0n;
    this.lowWater = 0n;
  }

  isModest(nowMs: number): boolean {
    return nowMs < this.#modestUntilMs;
  }

  /**
   * How much to ask for beyond what is needed.
   * @param need what is needed now
   * @param left what the store was last known to have
   */
  ahead(need: bigint, left: bigint, nowMs: number): bigint {
    const isSoon = nowMs - this.#askedAtMs < SOON_MS;
    this.#askedAtMs = nowMs;
    if (this.isModest(nowMs)) return 0n;
    const byRate = this.#perSecond * AHEAD_SECONDS;
    const byNeed = isSoon && this.#lastAhead > need ? this.#lastAhead * 2n : need * 2n;
    const wish = byRate > byNeed ? byRate : byNeed;
    const most = left / SHARE_OF_LEFT;
    this.#lastAhead = wish < most ? wish : most;
    return this.#lastAhead;
  }

  /** How much is worth keeping when nobody waits for it. */
  get worthKeeping(): bigint {
    return this.#perSecond * AHEAD_SECONDS * 2n;
  }
}
