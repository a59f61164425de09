import { Readable } from "node:stream";

/** Who watches a request body flow. */
export interface BodyObserver {
  /** The destination is ready for the first byte: the agent may be told to go on. */
  onBodyWanted(): void;
  /** @returns false if the exchange has been cut, so that the bytes go nowhere */
  onBytes(direction: "request", bytes: number): boolean;
  /** Until it resolves, no more should be read; null while there is enough at hand. Never rejects. */
  readonly refill: Promise<void> | null;
  /** The agent stopped half-way. */
  onBodyBroken(cause: unknown): void;
}

const HIGH_WATER_MARK_BYTES = 65_536;

/**
 * The agent's body as the destination reads it: counted on the way, never ahead of what the destination takes (plus 64 KiB).
 * It does not own its source: the protocol handler ends that.
 */
export class RequestBody extends Readable {
  readonly #source: Readable;
  readonly #observer: BodyObserver;
  #isStarted = false;
  /** The ledger is being asked for more; the destination may want bytes meanwhile, and waits. */
  #isRefilling = false;

  constructor(source: Readable, observer: BodyObserver) {
    super({ highWaterMark: HIGH_WATER_MARK_BYTES });
    this.#source = source;
    this.#observer = observer;
    // Whoever destroys this has told the observer; an error without a listener would end the process.
    this.on("error", () => {});
  }

  /** True while the next byte has to come from the agent; false while the destination makes it wait. */
  get isWaiting(): boolean {
    return this.#isStarted && !this.isComplete && this.#source.readableFlowing === true;
  }

  get isComplete(): boolean {
    return this.#source.readableEnded;
  }

  override _read(): void {
    if (this.#isStarted) {
      if (!this.#isRefilling) this.#source.resume();
      return;
    }
    this.#isStarted = true;
    this.#observer.onBodyWanted();
    this.#source.on("data", this.#onData).on("end", this.#onEnd).on("error", this.#onBroken).on("close", this.#onClose).resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#source.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onClose);
    this.#source.pause();
    done(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.#observer.onBytes("request", chunk.byteLength)) return;
    const isWanted = this.push(chunk);
    const { refill } = this.#observer;
    if (!isWanted || refill !== null) this.#source.pause();
    if (refill !== null) void this.#waitFor(refill);
  };

  async #waitFor(refill: Promise<void>): Promise<void> {
    this.#isRefilling = true;
    await refill;
    this.#isRefilling = false;
    if (!this.destroyed && this.readableLength < this.readableHighWaterMark) this.#source.resume();
  }

  readonly #onEnd = (): void => { this.push(null); };

  readonly #onBroken = (cause: unknown): void => { this.#observer.onBodyBroken(cause); };

  readonly #onClose = (): void => {
    if (!this.#source.readableEnded) this.#observer.onBodyBroken(new Error("the body ended early"));
  };
}
