import { MODEL_METERS, type Amounts, type MeterName } from "../../common/meters.ts";
import type { Reservation } from "../budget/budget-ledger.ts";
import type { AnswerMeter } from "../model/metered-call.ts";

/** What is asked of a reservation while an answer streams. */
type Hold = Pick<Reservation, "extend">;

/**
 * The answer to a call of a model as it streams: counted, and where nothing bounds its output held one step ahead. Invariant: what was used so far
 * and the next step are held before more is read.
 */
export class MeteredAnswer {
  readonly #meter: AnswerMeter;
  readonly #hold: Hold;
  readonly #signal: AbortSignal;
  #held: Amounts;

  /** @param held of the model meters, with the reservation */
  constructor(meter: AnswerMeter, held: Amounts, hold: Hold, signal: AbortSignal) {
    this.#meter = meter;
    this.#held = held;
    this.#hold = hold;
    this.#signal = signal;
  }

  /** @returns what goes on to the agent */
  push(chunk: Buffer): Buffer {
    return this.#meter.push(chunk);
  }

  end(): Buffer {
    return this.#meter.end();
  }

  /** What ends the stream as if a limit of output had been reached; empty if it has no such end. */
  cut(): Buffer {
    return this.#meter.cut();
  }

  /** Null while what is held does; else nothing more is read until it resolves. False: the answer ends here. Never rejects. */
  ask(): Promise<boolean> | null {
    const more = this.#missing();
    return more === null ? null : this.#extend(more);
  }

  async #extend(more: Amounts): Promise<boolean> {
    const isGranted = await this.#hold.extend(more, this.#signal).catch(() => false);
    if (isGranted) this.#held = sum(this.#held, more);
    return isGranted;
  }

  #missing(): Amounts | null {
    const { step } = this.#meter;
    if (step === null) return null;
    const { soFar } = this.#meter;
    const more: Partial<Record<MeterName, bigint>> = {};
    let isMissing = false;
    for (const meter of MODEL_METERS) {
      const lacking = (soFar[meter] ?? 0n) + (step[meter] ?? 0n) - (this.#held[meter] ?? 0n);
      if (lacking <= 0n) continue;
      more[meter] = lacking;
      isMissing = true;
    }
    return isMissing ? more : null;
  }
}

function sum(one: Amounts, other: Amounts): Amounts {
  const both: Partial<Record<MeterName, bigint>> = {};
  for (const meter of MODEL_METERS) both[meter] = (one[meter] ?? 0n) + (other[meter] ?? 0n);
  return both;
}
