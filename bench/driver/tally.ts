import type { Measured } from "./messages.ts";

const SAMPLE_LIMIT = 200_000;

/** Counts what one measured interval saw. */
export class Tally {
  readonly #startedAtMs = performance.now();
  readonly #micros: number[] = [];
  #units = 0;
  #bodyBytes = 0;

  add(bodyBytes: number, micros?: number): void {
    this.#units += 1;
    this.#bodyBytes += bodyBytes;
    if (micros !== undefined && this.#micros.length < SAMPLE_LIMIT) this.#micros.push(micros);
  }

  result(): Measured {
    return {
      units: this.#units, bodyBytes: this.#bodyBytes, elapsedMs: performance.now() - this.#startedAtMs,
      p50Micros: quantile(this.#micros, 0.5), p99Micros: quantile(this.#micros, 0.99),
    };
  }
}

/** The value below which this share of the samples lies; null without samples. */
export function quantile(samples: readonly number[], share: number): number | null {
  if (samples.length === 0) return null;
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
}
