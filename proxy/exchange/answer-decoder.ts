import { pipeline, type Transform } from "node:stream";
import { constants, createBrotliDecompress, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from "node:zlib";
import { EgressError } from "../errors.ts";

/** Who takes what was decoded. None of them may throw. */
export interface DecoderSink {
  /** @returns false to be asked for no more until `resume` */
  onDecoded(bytes: Buffer): boolean;
  onDecodedEnd(): void;
  onUndecodable(error: EgressError): void;
  /** It takes bytes again after `write` returned false. */
  onWanted(): void;
}

/** Codings one upon the other; more are a way to make work. */
const CODINGS_LIMIT = 2;
/** An answer may grow to so many times its length; text seldom does to 50. Checked from `FREE_BYTES` on. */
const GROWTH_LIMIT = 200;
const FREE_BYTES = 1 << 20;
const CHUNK_BYTES = 64 * 1024;
/** The largest window that a zstd answer may need: 8 MiB (RFC 9659 §3). Brotli's is 16 MiB by its format (RFC 7932 §9.1), deflate's 32 KiB. */
const ZSTD_WINDOW_LOG = 23;
const ZLIB_METHOD = 8;

const flushing = { chunkSize: CHUNK_BYTES, flush: constants.Z_SYNC_FLUSH };
/** By content coding (RFC 9110 §8.4.1). `deflate` is zlib's format, or what was meant by it: the first byte tells. */
const DECODERS: Readonly<Record<string, (firstByte: number) => Transform>> = {
  gzip: () => createGunzip(flushing),
  "x-gzip": () => createGunzip(flushing),
  deflate: (firstByte) => ((firstByte & 0x0f) === ZLIB_METHOD ? createInflate(flushing) : createInflateRaw(flushing)),
  br: () => createBrotliDecompress({ chunkSize: CHUNK_BYTES, flush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: () => createZstdDecompress({ chunkSize: CHUNK_BYTES, flush: constants.ZSTD_e_flush, params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG } }),
};

/**
 * The codings of a body, outermost last; empty for none.
 * @throws EgressError `upstream.malformed` for one that cannot be decoded here, or too many
 */
export function codingsOf(contentEncoding: string | null): readonly string[] {
  const codings = (contentEncoding ?? "").toLowerCase().split(",").map((coding) => coding.trim()).filter((coding) => coding !== "" && coding !== "identity");
  if (codings.length > CODINGS_LIMIT || !codings.every((coding) => Object.hasOwn(DECODERS, coding))) {
    throw new EgressError("upstream.malformed", "an answer in a coding that cannot be read, although only identity was asked for");
  }
  return codings;
}

/**
 * Decodes a body while it streams: whatever can be read of a chunk comes out before the next one is awaited. Keeps no more than a window and
 * two chunks for each coding. Truncated, broken and explosive bodies end with `upstream.malformed`.
 */
export class AnswerDecoder {
  readonly #codings: readonly string[];
  readonly #sink: DecoderSink;
  #first: Transform | null = null;
  #last: Transform | null = null;
  #bytesIn = 0;
  #bytesOut = 0;
  #isOver = false;

  /** @param codings at least one, outermost last */
  constructor(codings: readonly string[], sink: DecoderSink) {
    this.#codings = codings;
    this.#sink = sink;
  }

  /** @returns false when `onWanted` should be awaited */
  write(chunk: Buffer): boolean {
    if (this.#isOver || chunk.byteLength === 0) return true;
    this.#bytesIn += chunk.byteLength;
    return (this.#first ?? this.#open(chunk[0] ?? 0)).write(chunk);
  }

  end(): void {
    if (this.#first === null) this.#complete();
    else this.#first.end();
  }

  resume(): void {
    this.#last?.resume();
  }

  destroy(): void {
    this.#isOver = true;
    this.#first?.destroy();
  }

  #open(firstByte: number): Transform {
    const stages = this.#codings.toReversed().map((coding, at) => DECODERS[coding]?.(at === 0 ? firstByte : ZLIB_METHOD) as Transform);
    const first = stages[0] as Transform;
    const last = stages.at(-1) as Transform;
    this.#first = first;
    this.#last = last;
    first.on("drain", () => { if (!this.#isOver) this.#sink.onWanted(); });
    last.on("data", (bytes: Buffer) => { this.#pass(bytes); });
    last.on("end", () => { this.#complete(); });
    if (stages.length > 1) pipeline(stages, (error) => { if (error) this.#fail("cannot be decoded"); });
    else first.on("error", () => { this.#fail("cannot be decoded"); });
    return first;
  }

  #pass(bytes: Buffer): void {
    if (this.#isOver) return;
    this.#bytesOut += bytes.byteLength;
    if (this.#bytesOut > FREE_BYTES + this.#bytesIn * GROWTH_LIMIT) return this.#fail(`grows to more than ${GROWTH_LIMIT} times its length`);
    if (!this.#sink.onDecoded(bytes)) this.#last?.pause();
  }

  #complete(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sink.onDecodedEnd();
  }

  #fail(detail: string): void {
    if (this.#isOver) return;
    this.destroy();
    this.#sink.onUndecodable(new EgressError("upstream.malformed", `a body that ${detail}`));
  }
}
