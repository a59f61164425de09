import { brotliCompressSync, createGzip, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { EgressError } from "../../../../proxy/errors.ts";
import { AnswerDecoder, codingsOf, type DecoderSink } from "../../../../proxy/exchange/answer-decoder.ts";

const TEXT = Buffer.from("all that the destination says, ".repeat(200));

/** Collects; a full one asks for no more after each piece. */
class Sink implements DecoderSink {
  readonly over = Promise.withResolvers<void>();
  readonly pieces: Buffer[] = [];
  error: EgressError | null = null;
  isFull = false;
  readonly wanted = Promise.withResolvers<void>();
  isWanted = false;
  #waiting: (() => void) | null = null;

  onDecoded(bytes: Buffer): boolean {
    this.pieces.push(bytes);
    this.#waiting?.();
    return !this.isFull;
  }

  onDecodedEnd(): void { this.over.resolve(); }

  onWanted(): void {
    this.isWanted = true;
    this.wanted.resolve();
  }

  onUndecodable(error: EgressError): void {
    this.error = error;
    this.over.resolve();
  }

  get text(): string {
    return Buffer.concat(this.pieces).toString();
  }

  async nextPiece(): Promise<void> {
    await new Promise<void>((resolve) => { this.#waiting = resolve; });
  }
}

async function decode(coding: string, body: Buffer, pieceBytes = body.byteLength): Promise<Sink> {
  const sink = new Sink();
  const decoder = new AnswerDecoder(codingsOf(coding), sink);
  for (let at = 0; at < body.byteLength; at += pieceBytes) decoder.write(body.subarray(at, at + pieceBytes));
  decoder.end();
  await sink.over.promise;
  return sink;
}

describe("a body is decoded", () => {
  test.each<[string, Buffer]>([
    ["gzip", gzipSync(TEXT)], ["x-gzip", gzipSync(TEXT)], ["deflate", deflateSync(TEXT)], ["Deflate", deflateRawSync(TEXT)], ["br", brotliCompressSync(TEXT)], ["zstd", zstdCompressSync(TEXT)],
    ["gzip, br", brotliCompressSync(gzipSync(TEXT))], ["identity, gzip", gzipSync(TEXT)],
  ])("from %s, in one piece or byte by byte", async (coding, body) => {
    for (const pieceBytes of [body.byteLength, 1]) expect((await decode(coding, body, pieceBytes)).text).toBe(TEXT.toString());
  });

  test("from several members of gzip, and several frames of zstd", async () => {
    expect((await decode("gzip", Buffer.concat([gzipSync("one "), gzipSync("two")]))).text).toBe("one two");
    expect((await decode("zstd", Buffer.concat([zstdCompressSync("one "), zstdCompressSync("two")]))).text).toBe("one two");
  });

  test("from nothing to nothing", async () => {
    expect(await decode("gzip", Buffer.alloc(0))).toMatchObject({ text: "", error: null });
  });

  test("as far as it has come: an event does not wait for the next", async () => {
    const sink = new Sink();
    const decoder = new AnswerDecoder(["gzip"], sink);
    const zip = createGzip();
    zip.on("data", (bytes: Buffer) => { decoder.write(bytes); });
    for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
      const next = sink.nextPiece();
      zip.write(event);
      zip.flush();
      await next;
      expect(sink.text.endsWith(event)).toBe(true);
    }
    decoder.destroy();
    zip.destroy();
  });

  test("no faster than it is taken", async () => {
    const sink = new Sink();
    sink.isFull = true;
    const decoder = new AnswerDecoder(["gzip"], sink);
    const body = gzipSync(Buffer.from(Array.from({ length: 200_000 }, (_, at) => String(at * 7919)).join()));
    const first = sink.nextPiece();
    expect(decoder.write(body)).toBe(false);
    await first;
    const before = sink.pieces.length;
    await new Promise((resolve) => { setImmediate(resolve); });
    expect(sink.pieces.length - before).toBeLessThanOrEqual(1);
    expect(sink.isWanted).toBe(false);
    sink.isFull = false;
    decoder.resume();
    await sink.wanted.promise;
    decoder.end();
    await sink.over.promise;
    expect(sink.error).toBeNull();
  });
});

describe("a body ends with upstream.malformed", () => {
  const noise = Buffer.from("this was never compressed");
  test.each(["gzip", "deflate", "br", "zstd"])("when it is no %s", async (coding) => {
    expect((await decode(coding, noise)).error?.code).toBe("upstream.malformed");
  });

  test.each<[string, Buffer]>([["gzip", gzipSync(TEXT)], ["deflate", deflateSync(TEXT)], ["br", brotliCompressSync(TEXT)], ["zstd", zstdCompressSync(TEXT)]])("when %s is cut short", async (coding, body) => {
    expect((await decode(coding, body.subarray(0, -5))).error?.code).toBe("upstream.malformed");
  });

  test.each<[string, Buffer]>([["gzip", gzipSync(Buffer.alloc(64 << 20))], ["br", brotliCompressSync(Buffer.alloc(64 << 20))], ["zstd", zstdCompressSync(Buffer.alloc(64 << 20))], ["gzip, gzip", gzipSync(gzipSync(Buffer.alloc(64 << 20)))]])("when %s grows out of all proportion", async (coding, body) => {
    const { error, text } = await decode(coding, body);
    expect(error?.message).toMatch(/grows/);
    expect(text.length).toBeLessThan(16 << 20);
  });

  test("when zstd needs a window of more than 8 MiB", async () => {
    const { constants } = await import("node:zlib");
    const body = zstdCompressSync(Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => String(at)).join()), { params: { [constants.ZSTD_c_windowLog]: 25, [constants.ZSTD_c_contentSizeFlag]: 0 } });
    expect((await decode("zstd", body)).error?.code).toBe("upstream.malformed");
  });

  test.each(["compress", "dcb", "gzip, gzip, gzip", "aws-chunked", "gzip;q=0", "constructor"])("at once when its coding is %s", (coding) => {
    expect(() => codingsOf(coding)).toThrow(/coding that cannot be read/);
  });
});
