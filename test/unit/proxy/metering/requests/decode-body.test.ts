import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { decodeBody } from "../../../../../proxy/metering/requests/decode-body.ts";

const TEXT = Buffer.from(`{"model":"x"}`);
const decode = async (coding: string, body: Buffer, limitBytes = 1_000) => await decodeBody([["content-encoding", coding]], body, limitBytes);

describe("decodeBody undoes one content coding", () => {
  test.each([["gzip", gzipSync(TEXT)], ["GZIP", gzipSync(TEXT)], ["br", brotliCompressSync(TEXT)], ["deflate", deflateSync(TEXT)], ["zstd", zstdCompressSync(TEXT)], ["identity", TEXT]])("%s", async (coding, body) => {
    expect(await decode(coding, body)).toEqual(TEXT);
  });

  test("none: the very same bytes", async () => {
    expect(await decodeBody([], TEXT, 10)).toBe(TEXT);
  });

  test.each([["compress", TEXT], ["gzip, br", brotliCompressSync(gzipSync(TEXT))], ["gzip", TEXT], ["zstd", Buffer.alloc(0)], ["__proto__", TEXT]])("%s that cannot be undone is refused", async (coding, body) => {
    await expect(decode(coding, body)).rejects.toMatchObject({ code: "request.malformed" });
  });

  test("a small body that unpacks to a large one is refused", async () => {
    const bomb = gzipSync(Buffer.alloc(1_000_000));
    await expect(decode("gzip", bomb, 999_999)).rejects.toMatchObject({ code: "request.body-limit" });
    expect((await decode("gzip", bomb, 1_000_000)).byteLength).toBe(1_000_000);
  });
});
