import type { Direction } from "../budget/budget-ledger.ts";
import { EgressError } from "../errors.ts";
import type { Allow } from "../model/decision.ts";
import type { ExchangeDraft } from "./open-record.ts";

/** Counts what flows into the draft, and says when a limit of the policy or of the ledger is used up. */
export class ByteCount {
  readonly #draft: ExchangeDraft;
  readonly #obligations: Allow["obligations"];

  constructor(draft: ExchangeDraft, allow: Allow) {
    this.#draft = draft;
    this.#obligations = allow.obligations;
  }

  /** @returns why the exchange must be cut, or null */
  request(bytes: number): EgressError | null {
    const total = this.#draft.requestBytes += bytes;
    const limit = this.#obligations.maxRequestBytes;
    return limit !== undefined && total > limit ? new EgressError("request.body-limit", `more than ${limit} bytes`) : this.#take("out", bytes);
  }

  /** @returns why the exchange must be cut, or null */
  response(bytes: number): EgressError | null {
    return this.announced(this.#draft.responseBytes += bytes) ?? this.#take("in", bytes);
  }

  /** Until it resolves, nothing more should be read; null while there is enough at hand. Never rejects. */
  get refill(): Promise<void> | null {
    return this.#draft.reservation?.refill ?? null;
  }

  /** Judges an answer by the length that it announces, before a byte of it is passed on. */
  announced(bytes: number): EgressError | null {
    const limit = this.#obligations.maxResponseBytes;
    return limit !== undefined && bytes > limit ? new EgressError("upstream.body-limit", `more than ${limit} bytes`) : null;
  }

  /** The refusal to cut with, after the reservation had no more. @param meter of which it had none */
  exhausted(meter: "bytes" | "seconds" | "tokens"): EgressError {
    return this.#draft.reservation?.refusal ?? new EgressError("budget.exhausted", `a limit of ${meter} was used up while the exchange ran`);
  }

  #take(direction: Direction, bytes: number): EgressError | null {
    const { reservation } = this.#draft;
    return reservation === null || reservation.take(direction, bytes) ? null : this.exhausted("bytes");
  }
}
