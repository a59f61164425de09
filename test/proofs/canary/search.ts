import { createReadStream } from "node:fs";
import { needlesOf } from "./forms.ts";

const TABLE_BITS = 22;
const BEGIN_BYTES = 4;
const CHUNK_BYTES = 1 << 17;
const EMPTY = Buffer.alloc(CHUNK_BYTES);

export interface Hit {
  readonly where: string;
  readonly form: string;
}

/** Looks for many needles in any amount of bytes, letters in either case, each file once as it is and once without line ends. */
export class Search {
  readonly #mayBegin = new Uint8Array(1 << TABLE_BITS);
  readonly #byBegin = new Map<number, { readonly form: string; readonly bytes: Buffer }[]>();
  #longest = 0;

  addSecret(value: string): void {
    for (const [form, bytes] of needlesOf(value)) {
      const begin = bytes.readUInt32BE(0);
      const known = this.#byBegin.get(begin) ?? [];
      known.push({ form, bytes });
      this.#byBegin.set(begin, known);
      this.#mayBegin[slot(begin)] = 1;
      this.#longest = Math.max(this.#longest, bytes.byteLength);
    }
  }

  in(where: string, bytes: Buffer): Hit[] {
    const folded = fold(bytes);
    return [...this.#scan(where, folded), ...this.#scan(`${where}, lines joined`, withoutLineEnds(folded))];
  }

  async inFile(path: string): Promise<{ readonly hits: Hit[]; readonly bytes: number }> {
    const hits: Hit[] = [];
    let bytes = 0;
    let tails: Buffer[] = [];
    for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (isEmpty(chunk)) {
        tails = [];
        continue;
      }
      const folded = fold(chunk);
      const texts = [folded, withoutLineEnds(folded)].map((text, at) => Buffer.concat([tails[at] ?? Buffer.alloc(0), text]));
      hits.push(...texts.flatMap((text) => this.#scan(path, text)));
      tails = texts.map((text) => Buffer.from(text.subarray(Math.max(0, text.byteLength - this.#longest))));
    }
    return { hits, bytes };
  }

  #scan(where: string, bytes: Buffer): Hit[] {
    const hits: Hit[] = [];
    let begin = 0;
    for (let at = 0; at < bytes.byteLength; at += 1) {
      begin = (begin << 8 | (bytes[at] as number)) >>> 0;
      if (this.#mayBegin[slot(begin)] === 0 || at < BEGIN_BYTES - 1) continue;
      const from = at - BEGIN_BYTES + 1;
      for (const { form, bytes: needle } of this.#byBegin.get(begin) ?? []) {
        if (bytes.compare(needle, 0, needle.byteLength, from, Math.min(bytes.byteLength, from + needle.byteLength)) === 0) hits.push({ where: `${where} at ${from}`, form });
      }
    }
    return hits;
  }
}

/** Most of a dump is memory that was never written. */
function isEmpty(chunk: Buffer): boolean {
  return chunk.equals(EMPTY.subarray(0, chunk.byteLength));
}

function slot(begin: number): number {
  return Math.imul(begin, 0x9e3779b1) >>> (32 - TABLE_BITS);
}

function fold(bytes: Buffer): Buffer {
  const folded = Buffer.from(bytes);
  for (let at = 0; at < folded.byteLength; at += 1) {
    const byte = folded[at] as number;
    if (byte >= 0x41 && byte <= 0x5a) folded[at] = byte + 0x20;
  }
  return folded;
}

/** What stands on both sides of a line end stands together: of plain lines, of quoted-printable's soft ones, and of lines within JSON. */
function withoutLineEnds(bytes: Buffer): Buffer {
  const kept = Buffer.allocUnsafe(bytes.byteLength);
  let length = 0;
  for (let at = 0; at < bytes.byteLength; at += 1) {
    const byte = bytes[at] as number;
    if (byte === 0x0a || byte === 0x0d || (byte === 0x3d && (bytes[at + 1] === 0x0d || bytes[at + 1] === 0x0a))) continue;
    if (byte === 0x5c && (bytes[at + 1] === 0x6e || bytes[at + 1] === 0x72)) at += 1;
    else kept[length++] = byte;
  }
  return kept.subarray(0, length);
}
