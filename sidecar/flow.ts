import type { OnReadOpts, Socket } from "node:net";

/** What an idle connection keeps for each direction, in bytes. */
const SMALL_BUFFER_BYTES = 4 * 1024;
/** Above this a larger buffer saves no more CPU; in bytes. */
const LARGE_BUFFER_BYTES = 256 * 1024;
const GROWTH = 8;
/** A read that fills less than this part of a buffer gives the buffer up. */
const SHRINK_BELOW = 1 / 64;

/**
 * One direction of a connection: what is read from one socket is written to the other, in order, with at most one buffer in flight.
 * The socket read from is made with `onread` of this flow; it is paused until the buffer is with the kernel, which is the back-pressure.
 */
export class Flow {
  #buffer = Buffer.allocUnsafeSlow(SMALL_BUFFER_BYTES);
  #from: Socket | null = null;
  #to: Socket | null = null;
  #isWaiting = false;

  readonly onread: OnReadOpts = {
    buffer: () => this.#buffer,
    callback: (bytes) => this.#pass(bytes),
  };

  /** Joins the two ends; half-close passes through. Data must not arrive before. */
  join(from: Socket, to: Socket): void {
    this.#from = from;
    this.#to = to;
    from.on("end", () => { to.end(); });
  }

  /** @returns false to stop reading until the write is done */
  #pass(bytes: number): boolean {
    const to = this.#to;
    if (to === null || to.destroyed) return false;
    to.write(this.#buffer.subarray(0, bytes), this.#onWritten);
    if (to.writableLength === 0) {
      this.#fit(bytes);
      return true;
    }
    this.#isWaiting = true;
    return false;
  }

  readonly #onWritten = () => {
    if (!this.#isWaiting || this.#to?.writableLength !== 0) return;
    this.#isWaiting = false;
    this.#from?.resume();
  };

  /** The next buffer by the last read: a bulk transfer gets a large one, and gives it back when it slows down. */
  #fit(bytes: number): void {
    const size = this.#buffer.byteLength;
    const isFull = bytes === size && size < LARGE_BUFFER_BYTES;
    const isOversized = size > SMALL_BUFFER_BYTES && bytes < size * SHRINK_BELOW;
    if (isFull) this.#buffer = Buffer.allocUnsafeSlow(Math.min(size * GROWTH, LARGE_BUFFER_BYTES));
    else if (isOversized) this.#buffer = Buffer.allocUnsafeSlow(SMALL_BUFFER_BYTES);
  }
}
