import { NO_BYTES } from "./framing.ts";

const LEAST_BYTES = 4_096;

/** The bytes of one incomplete event. Grows by doubling, so that an event that comes byte by byte costs what its bytes cost. */
export class ByteTail {
  #room: Buffer = NO_BYTES;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(bytes: Buffer): void {
    const wanted = this.#length + bytes.length;
    if (wanted > this.#room.length) {
      const room = Buffer.allocUnsafe(Math.max(LEAST_BYTES, 2 ** Math.ceil(Math.log2(wanted))));
      this.#room.copy(room, 0, 0, this.#length);
      this.#room = room;
    }
    bytes.copy(this.#room, this.#length);
    this.#length = wanted;
  }

  /** All of it, and the tail is empty; the caller owns the bytes. */
  take(): Buffer {
    const bytes = this.#room.subarray(0, this.#length);
    this.#room = NO_BYTES;
    this.#length = 0;
    return bytes;
  }
}
