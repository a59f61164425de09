import type { AnswerMeter, ModelUse } from "../../model/metered-call.ts";
import { NO_TOKENS } from "./counted.ts";
import { NO_BYTES } from "./framing/framing.ts";

/** The meter of an answer that the provider does not charge for: it passes unread. */
export class RefusedAnswer implements AnswerMeter {
  readonly soFar = {};
  readonly step = null;
  readonly #model: string;

  /** @param model as the request names it */
  constructor(model: string) {
    this.#model = model;
  }

  push(chunk: Buffer): Buffer {
    return chunk;
  }

  end(): Buffer {
    return NO_BYTES;
  }

  cut(): Buffer {
    return NO_BYTES;
  }

  result(): ModelUse {
    return { amounts: {}, tokens: NO_TOKENS, model: this.#model, isEstimated: false, reportedNanoUsd: null, estimatedNanoUsd: null, alarms: [] };
  }
}
