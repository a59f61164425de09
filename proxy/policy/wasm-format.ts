/**
 * The binary format of WebAssembly (core specification, release 2.0, chapter 5), as much of it as it takes to put functions in the place of others. The reader
 * takes the shortest way to refuse: whoever made the policy may have made it by hand.
 */

/** Entries of one vector: OPA's compiler makes some thousand functions of the largest policies. */
const VECTOR_LIMIT = 100_000;
/** §5.2.2: a u32 has five bytes at most, and the last of them four bits. */
const U32_BYTES = 5;
const U32_LIMIT = 2 ** 32;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads one part of a module from its beginning. Each method throws an Error if what it reads is not there, or not as the format has it. */
export class WasmReader {
  readonly #content: Uint8Array;
  #at = 0;

  constructor(content: Uint8Array) {
    this.#content = content;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#content.length;
  }

  byte(): number {
    const [byte] = this.bytes(1) as unknown as readonly [number];
    return byte;
  }

  /** A number without a sign (LEB128, §5.2.2). */
  u32(): number {
    let value = 0;
    for (let count = 0; count < U32_BYTES; count += 1) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** (7 * count);
      if (byte < 0x80 && value < U32_LIMIT) return value;
    }
    throw new Error("the policy has a number that is too large for WebAssembly");
  }

  bytes(count: number): Uint8Array {
    if (count > this.#content.length - this.#at) throw new Error("the policy is cut off");
    this.#at += count;
    return this.#content.subarray(this.#at - count, this.#at);
  }

  /** Bytes behind their number: a section (§5.5.2), a body (§5.5.13). */
  sized(): Uint8Array {
    return this.bytes(this.u32());
  }

  /** A name (§5.2.4). */
  name(): string {
    return utf8.decode(this.sized());
  }

  /** A vector (§5.1.3), up to the end of what is read. */
  vector<T>(item: (reader: this) => T): T[] {
    const items: T[] = [];
    for (let left = this.#vectorLength(); left > 0; left -= 1) items.push(item(this));
    if (!this.isAtEnd) throw new Error("the policy has a part that is longer than it says");
    return items;
  }

  /** A vector of bytes. */
  byteVector(): readonly number[] {
    return [...this.bytes(this.#vectorLength())];
  }

  /** What is left, and how many entries of a vector it is. */
  restOfVector(): { readonly count: number; readonly entries: Uint8Array } {
    return { count: this.#vectorLength(), entries: this.bytes(this.#content.length - this.#at) };
  }

  #vectorLength(): number {
    const count = this.u32();
    if (count > VECTOR_LIMIT) throw new Error(`the policy has a part with ${count} entries; at most ${VECTOR_LIMIT} are taken`);
    return count;
  }
}

/** A number without a sign, from 0 to 2^32 - 1. */
export function u32(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Uint8Array.of(...bytes, rest);
}

/** A number with a sign that is not below zero (§5.2.2), from 0 to 2^31 - 1. */
export function positiveS32(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x3f; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Uint8Array.of(...bytes, rest);
}

export function sized(content: Uint8Array): Uint8Array {
  return Buffer.concat([u32(content.length), content]);
}

export function name(text: string): Uint8Array {
  return sized(Buffer.from(text));
}

export function vector(items: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([u32(items.length), ...items]);
}
