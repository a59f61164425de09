const PAGE_BYTES = 64 * 1024;
const INITIAL_PAGES = 8;

/**
 * The memory of one policy in WebAssembly, up to a ceiling. What the policy says of it is not believed: an address or a length that is not wholly inside is an
 * error here, whatever JavaScript would make of it.
 */
export class LinearMemory {
  readonly memory: WebAssembly.Memory;

  /** @param limitBytes its ceiling; rounded down to pages of 64 KiB */
  constructor(limitBytes: number) {
    const maximum = Math.floor(limitBytes / PAGE_BYTES);
    this.memory = new WebAssembly.Memory({ initial: Math.min(INITIAL_PAGES, maximum), maximum });
  }

  get bytes(): number {
    return this.memory.buffer.byteLength;
  }

  /** The text that begins there and ends with a zero byte. @throws Error if none ends within the limit, or within the memory */
  textAt(address: number, limitBytes: number): string {
    const start = placeOf(address);
    const most = this.#part(start, Math.min(limitBytes + 1, this.bytes - start));
    const end = most.indexOf(0);
    if (end === -1) throw new Error(`a value of the policy is longer than ${limitBytes} bytes`);
    return most.toString("utf8", 0, end);
  }

  /** @returns how many bytes the text took @throws Error if it does not fit there */
  write(address: number, text: string): number {
    return this.#part(placeOf(address), Buffer.byteLength(text)).write(text);
  }

  /** Grows until so many bytes fit there. @throws RangeError if the ceiling does not allow it */
  makeRoom(address: number, bytes: number): void {
    const missing = placeOf(address) + bytes - this.bytes;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE_BYTES));
  }

  #part(start: number, length: number): Buffer {
    if (length < 0 || start + length > this.bytes) throw new Error("the policy points beyond its memory");
    return Buffer.from(this.memory.buffer, start, length);
  }
}

/** An address is an i32, of which WebAssembly does not say whether it has a sign, and JavaScript says it has (WebAssembly JavaScript Interface §5.6). */
function placeOf(address: unknown): number {
  if (typeof address !== "number" || !Number.isInteger(address)) throw new Error("what the policy gives for an address is none");
  return address >>> 0;
}
