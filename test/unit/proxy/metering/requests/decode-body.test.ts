import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { EgressError } from "../../../../../proxy/errors.ts";
import type { DecodeLimit } from "../../../../../common/http/content-coding.ts";
import { decodeForMeters } from "../../../../../proxy/metering/requests/decode-body.ts";

const TEXT = Buffer.from(`{"model":"x"}`);
const FREE = { bytes: 1_000, take: () => {} };
const decode = async (coding: string, body: Buffer, limit: Partial<DecodeLimit> = {}) => await decodeForMeters([["content-encoding", coding]], body, { ...FREE, ...limit });

describe("decodeForMeters undoes one content coding", () => {
  test.each([["gzip", gzipSync(TEXT)], ["GZIP", gzipSync(TEXT)], ["br", brotliCompressSync(TEXT)], ["deflate", deflateSync(TEXT)], ["zstd", zstdCompressSync(TEXT)], ["identity", TEXT]])("%s", async (coding, body) => {
    expect(await decode(coding, body)).toEqual(TEXT);
  });

  test("none: the very same bytes", async () => {
    expect(await decodeForMeters([], TEXT, FREE)).toBe(TEXT);
  });

  test.each([["compress", TEXT], ["gzip, br", brotliCompressSync(gzipSync(TEXT))], ["gzip", TEXT], ["zstd", Buffer.alloc(0)], ["__proto__", TEXT]])("%s that cannot be undone is refused", async (coding, body) => {
    await expect(decode(coding, body)).rejects.toMatchObject({ code: "request.malformed" });
  });

  test("a small body that unpacks to a large one is refused", async () => {
    const bomb = gzipSync(Buffer.alloc(1_000_000));
    await expect(decode("gzip", bomb, { bytes: 999_999 })).rejects.toMatchObject({ code: "request.body-limit" });
    expect((await decode("gzip", bomb, { bytes: 1_000_000 })).byteLength).toBe(1_000_000);
  });

  test("beyond its first megabyte, a body unpacks to 200 times its length at most", async () => {
    const most = (body: Buffer) => (1 << 20) + 200 * body.byteLength;
    const tame = gzipSync(Buffer.alloc(1_000_000));
    expect((await decode("gzip", tame, { bytes: 1e9 })).byteLength).toBeLessThan(most(tame));
    const bomb = gzipSync(Buffer.alloc(3_000_000));
    expect(most(bomb)).toBeLessThan(3_000_000);
    await expect(decode("gzip", bomb, { bytes: 1e9 })).rejects.toMatchObject({
      code: "request.body-limit", explanation: { reason: expect.stringContaining("unpacks to more than 200 times its length") },
    });
  });

  test.each([["gzip", gzipSync], ["deflate", deflateSync], ["br", brotliCompressSync], ["zstd", zstdCompressSync]])("%s is unpacked no further than there is room", async (coding, encode) => {
    const full = new EgressError("request.body-limit", "no room");
    let taken = 0;
    const take = (bytes: number) => {
      if (taken + bytes > 200_000) throw full;
      taken += bytes;
    };
    await expect(decode(coding, encode(Buffer.alloc(1_000_000)), { bytes: 1e9, take })).rejects.toBe(full);
    taken = 0;
    expect((await decode(coding, encode(Buffer.alloc(150_000)), { bytes: 1e9, take })).byteLength).toBe(150_000);
    expect(taken).toBe(150_000);
  });
});
