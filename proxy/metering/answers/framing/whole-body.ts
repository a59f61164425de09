import { ByteTail } from "./byte-tail.ts";
import { NO_BYTES } from "./framing.ts";
import type { EventSight, Framing } from "./framing.ts";

/** An answer in one piece: it passes as it comes, a copy is read at its end, and nothing of ours can end it earlier. */
export class WholeBodyFraming implements Framing {
  readonly #limitBytes: number;
  readonly #copy = new ByteTail();
  #isBlind = false;

  /** @param limitBytes largest body that is read */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get isBlind(): boolean {
    return this.#isBlind;
  }

  push(chunk: Buffer): Buffer {
    if (this.#isBlind) return chunk;
    this.#copy.append(chunk);
    this.#isBlind = this.#copy.length > this.#limitBytes;
    if (this.#isBlind) this.#copy.take();
    return chunk;
  }

  end(see: EventSight): Buffer {
    if (!this.#isBlind) see({ name: null, data: this.#copy.take().toString("utf8") });
    return NO_BYTES;
  }

  close(): Buffer {
    return NO_BYTES;
  }
}
