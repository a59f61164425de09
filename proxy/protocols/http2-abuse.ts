/** A bucket of tokens: `burst` at once, `perSecond` on average. Pure: time is given. */
export class Bucket {
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens: number;
  #sinceMs: number;

  constructor(burst: number, perSecond: number, nowMs: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#tokens = burst;
    this.#sinceMs = nowMs;
  }

  /** @returns false when there are not so many left */
  take(count: number, nowMs: number): boolean {
    const refill = ((nowMs - this.#sinceMs) / 1_000) * this.#perSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, refill));
    this.#sinceMs = nowMs;
    this.#tokens -= count;
    return this.#tokens >= 0;
  }
}

export interface AbuseLimits {
  readonly resetBurst: number;
  readonly resetsPerSecond: number;
  readonly controlBurst: number;
  readonly controlsPerSecond: number;
  readonly overheadBytesPerSecond: number;
  /** What may arrive of a body before anybody reads it. */
  readonly windowBytes: number;
}

/** What a request's head may weigh on the wire before it counts as overhead, in bytes. */
const HEAD_ALLOWANCE_BYTES = 1_024;
/** A DATA frame's own header and its share of a TLS record. */
const FRAME_ALLOWANCE_BYTES = 64;
/** WINDOW_UPDATE frames (26 bytes for each 16 KiB, plus TLS) that acknowledge what we send. */
const ACKNOWLEDGEMENT_SHARE = 0.02;
/** So many seconds' worth of overhead may come at once. */
const OVERHEAD_BURST_SECONDS = 4;

/**
 * Tells floods from work on one HTTP/2 connection: requests that are reset before they are answered (CVE-2023-44487), PING and SETTINGS that
 * must be acknowledged, and, whatever the frame, bytes that are neither a request nor a body (empty DATA, PRIORITY, WINDOW_UPDATE, unknown).
 */
export class AbuseGauge {
  readonly #resets: Bucket;
  readonly #controls: Bucket;
  readonly #overhead: Bucket;
  readonly #windowBytes: number;
  #explainedBytes = 0;
  #accountedBytes = 0;

  constructor(limits: AbuseLimits, nowMs: number) {
    this.#windowBytes = limits.windowBytes;
    this.#resets = new Bucket(limits.resetBurst, limits.resetsPerSecond, nowMs);
    this.#controls = new Bucket(limits.controlBurst, limits.controlsPerSecond, nowMs);
    this.#overhead = new Bucket(limits.overheadBytesPerSecond * OVERHEAD_BURST_SECONDS, limits.overheadBytesPerSecond, nowMs);
  }

  request(hasBody: boolean): void {
    this.#explainedBytes += HEAD_ALLOWANCE_BYTES + (hasBody ? this.#windowBytes : 0);
  }

  body(bytes: number): void {
    this.#explainedBytes += bytes + FRAME_ALLOWANCE_BYTES;
  }

  /** @returns false if this reset was one too many */
  reset(nowMs: number): boolean {
    return this.#resets.take(1, nowMs);
  }

  /** @returns false if this PING or SETTINGS was one too many */
  control(nowMs: number): boolean {
    return this.#controls.take(1, nowMs);
  }

  /** Judges all that has come so far. @param receivedBytes and sentBytes totals of the connection */
  wire(receivedBytes: number, sentBytes: number, nowMs: number): boolean {
    const overhead = Math.max(0, receivedBytes - this.#explainedBytes - sentBytes * ACKNOWLEDGEMENT_SHARE);
    const fresh = Math.max(0, overhead - this.#accountedBytes);
    this.#accountedBytes = Math.max(this.#accountedBytes, overhead);
    return this.#overhead.take(fresh, nowMs);
  }
}
