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

  /** Judges an answer by the length that it announces, before a byte of it is passed on. */
  announced(bytes: number): EgressError | null {
    const limit = this.#obligations.maxResponseBytes;
    return limit !== undefined && bytes > limit ? new EgressError("upstream.body-limit", `more than ${limit} bytes`) : null;
  }

  #take(direction: Direction, bytes: number): EgressError | null {
    const { reservation } = this.#draft;
    if (reservation === null || reservation.take(direction, bytes)) return null;
    return reservation.refusal ?? new EgressError("budget.exhausted", "a byte limit was used up while the exchange ran");
  }
}
