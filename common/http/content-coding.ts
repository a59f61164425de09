import type { Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress, type Gunzip } from "node:zlib";

/** `bytesWritten` is what it has taken in. */
type Decoder = Transform & Pick<Gunzip, "bytesWritten">;

const CHUNK = { chunkSize: 64 * 1024 };
const CODINGS: Readonly<Record<string, () => Decoder>> = {
  "gzip": () => createGunzip(CHUNK), "x-gzip": () => createGunzip(CHUNK), "deflate": () => createInflate(CHUNK),
  "br": () => createBrotliDecompress(CHUNK), "zstd": () => createZstdDecompress(CHUNK),
};
/** A body may unpack to so many times its length, beside the first bytes; text seldom does to 50. */
const GROWTH_LIMIT = 200;
const FREE_BYTES = 1 << 20;

/** How much may come of a body. */
export interface DecodeLimit {
  readonly bytes: number;
  /** Asked for each piece before it is kept. @throws if there is no room for it; that is what the caller gets */
  readonly take: (bytes: number) => void;
}

/** Why a coding is not undone. `unknown`: another one, or several. `broken`: the body is not coded so. `too-large`, `too-dense`: more comes of it than may. */
export class ContentCodingFault extends Error {
  override readonly name = "ContentCodingFault";
  readonly kind: "unknown" | "broken" | "too-large" | "too-dense";

  /** @param message ends a sentence: what it is, or what it unpacks to */
  constructor(kind: ContentCodingFault["kind"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/**
 * The body without its content coding (RFC 9110 §8.4). One coding is undone, as clients use one.
 * @param headers of its message, names in lower case
 * @returns the very same buffer if it is not coded
 * @throws ContentCodingFault, and what `take` throws
 */
export async function undoContentCoding(headers: readonly (readonly [name: string, value: string])[], body: Buffer, limit: DecodeLimit): Promise<Buffer> {
  const fields = headers.filter(([name]) => name === "content-encoding");
  const [coding, ...more] = fields.flatMap(([, value]) => value.split(",")).map((one) => one.trim().toLowerCase()).filter((one) => one !== "" && one !== "identity");
  if (coding === undefined) return body;
  const open = Object.hasOwn(CODINGS, coding) ? CODINGS[coding] : undefined;
  if (open === undefined || more.length > 0) throw new ContentCodingFault("unknown", "a content coding that is not known here");
  const unpacking = new Unpacking(open(), limit, FREE_BYTES + body.byteLength * GROWTH_LIMIT);
  try {
    return await unpacking.of(body);
  } catch (cause) {
    if (cause instanceof ContentCodingFault || cause === unpacking.refusal) throw cause;
    throw new ContentCodingFault("broken", `a body that is not ${coding}`, { cause });
  }
}

/** Piece by piece: what is too much is never unpacked as a whole. */
class Unpacking {
  readonly #decoder: Decoder;
  readonly #limit: DecodeLimit;
  readonly #mostBytes: number;
  /** What `take` threw. */
  refusal: unknown = null;

  constructor(decoder: Decoder, limit: DecodeLimit, mostBytes: number) {
    this.#decoder = decoder;
    this.#limit = limit;
    this.#mostBytes = mostBytes;
  }

  async of(body: Buffer): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let bytes = 0;
    this.#decoder.end(body);
    for await (const piece of this.#decoder as AsyncIterable<Buffer>) {
      bytes += piece.byteLength;
      if (bytes > this.#limit.bytes) throw new ContentCodingFault("too-large", `more than ${this.#limit.bytes} bytes`);
      if (bytes > this.#mostBytes) throw new ContentCodingFault("too-dense", `more than ${GROWTH_LIMIT} times its length`);
      this.#take(piece.byteLength);
      pieces.push(piece);
    }
    // Some readers go on to what stands behind the end: another member, and perhaps another text.
    if (this.#decoder.bytesWritten < body.byteLength) throw new ContentCodingFault("broken", "a coded body with something behind its end");
    return Buffer.concat(pieces, bytes);
  }

  #take(bytes: number): void {
    try {
      this.#limit.take(bytes);
    } catch (refusal) {
      this.refusal = refusal;
      throw refusal;
    }
  }
}
