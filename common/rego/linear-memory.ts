const PAGE_BYTES = 64 * 1024;
const INITIAL_PAGES = 8;

/**
 * The memory of one policy in WebAssembly, up to a ceiling. What the policy says of it is not believed: an address or a length that is not wholly inside is an
 * error here, whatever JavaScript would make of it.
 */
export class LinearMemory {
  readonly memory: WebAssembly.Memory;
  /** All of it; made anew when it has grown. */
  #view: Buffer;

  /** @param limitBytes its ceiling; rounded down to pages of 64 KiB */
  constructor(limitBytes: number) {
    const maximum = Math.floor(limitBytes / PAGE_BYTES);
    this.memory = new WebAssembly.Memory({ initial: Math.min(INITIAL_PAGES, maximum), maximum });
    this.#view = Buffer.from(this.memory.buffer);
  }

  get bytes(): number {
    return this.#bytes().length;
  }

  /** The text that begins there and ends with a zero byte. @throws Error if none ends within the limit, or within the memory */
  textAt(address: number, limitBytes: number): string {
    const [start, all] = [placeOf(address), this.#bytes()];
    if (start > all.length) throw beyond();
    const end = all.indexOf(0, start);
    if (end === -1 || end - start > limitBytes) throw new Error(`a value of the policy is longer than ${limitBytes} bytes`);
    return all.toString("utf8", start, end);
  }

  /** @returns how many bytes the text took @throws Error if it does not fit there */
  write(address: number, text: string): number {
    const [start, all, length] = [placeOf(address), this.#bytes(), Buffer.byteLength(text)];
    if (start + length > all.length) throw beyond();
    return all.write(text, start, length);
  }

  /** Grows until so many bytes fit there. @throws RangeError if the ceiling does not allow it */
  makeRoom(address: number, bytes: number): void {
    const missing = placeOf(address) + bytes - this.bytes;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE_BYTES));
  }

  #bytes(): Buffer {
    const { buffer } = this.memory;
    if (this.#view.buffer !== buffer) this.#view = Buffer.from(buffer);
    return this.#view;
  }
}

function beyond(): Error {
  return new Error("the policy points beyond its memory");
}

/** An address is an i32, of which WebAssembly does not say whether it has a sign, and JavaScript says it has (WebAssembly JavaScript Interface §5.6). */
function placeOf(address: unknown): number {
  if (typeof address !== "number" || !Number.isInteger(address)) throw new Error("what the policy gives for an address is none");
  return address >>> 0;
}
