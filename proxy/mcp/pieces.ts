/** Bytes that come in pieces and are wanted whole. Pieces of one byte each must not cost an object that is kept: two of about one size become one. */
export class Pieces {
  #pieces: Buffer[] = [];
  #bytes = 0;

  get byteLength(): number {
    return this.#bytes;
  }

  /** Keeps a copy: what arrives is often a slice of something larger. */
  push(piece: Buffer): void {
    this.#bytes += piece.byteLength;
    this.#pieces.push(Buffer.from(piece));
    for (let [before, last] = this.#pieces.slice(-2); before !== undefined && last !== undefined && last.byteLength >= before.byteLength; [before, last] = this.#pieces.slice(-2)) {
      this.#pieces.splice(-2, 2, Buffer.concat([before, last]));
    }
  }

  /** All of them, and perhaps one more; nothing is kept any longer. */
  take(more?: Buffer): Buffer {
    const whole = this.#pieces.length === 0 && more !== undefined ? more : Buffer.concat(more === undefined ? this.#pieces : [...this.#pieces, more]);
    this.#pieces = [];
    this.#bytes = 0;
    return whole;
  }
}
