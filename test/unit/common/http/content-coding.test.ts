import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { undoContentCoding } from "../../../../common/http/content-coding.ts";

const TEXT = Buffer.from("some text");
const undo = async (fields: readonly string[], body: Buffer, bytes = 1_000, take: (bytes: number) => void = () => {}) => await undoContentCoding(fields.map((value) => ["content-encoding", value] as const), body, { bytes, take });

test("one coding is undone, however it is written; none leaves the very same bytes", async () => {
  expect(await undo(["identity, GZIP"], gzipSync(TEXT))).toEqual(TEXT);
  expect(await undo(["identity", ""], TEXT)).toBe(TEXT);
});

test.each([["unknown", ["gzip", "gzip"], gzipSync(TEXT), 1_000], ["broken", ["br"], TEXT, 1_000], ["too-large", ["gzip"], gzipSync(TEXT), 8], ["too-dense", ["gzip"], gzipSync(Buffer.alloc(3_000_000)), 1e9]] as const)("%s: says why it is not undone", async (kind, fields, body, bytes) => {
  await expect(undo(fields, body, bytes)).rejects.toMatchObject({ name: "ContentCodingFault", kind });
});

test.each([
  ["gzip and zeros", "gzip", Buffer.concat([gzipSync(TEXT), Buffer.alloc(8), gzipSync(TEXT)])], ["deflate", "deflate", Buffer.concat([deflateSync(TEXT), deflateSync(TEXT)])],
  ["br", "br", Buffer.concat([brotliCompressSync(TEXT), TEXT])], ["zstd", "zstd", Buffer.concat([zstdCompressSync(TEXT), Buffer.alloc(2)])],
])("%s with something behind its end is broken: another reader may read on", async (_what, coding, body) => {
  await expect(undo([coding], body)).rejects.toMatchObject({ kind: "broken" });
});

test("several members of gzip are one text to everybody", async () => {
  expect(await undo(["gzip"], Buffer.concat([gzipSync(TEXT), gzipSync(TEXT)]))).toEqual(Buffer.concat([TEXT, TEXT]));
});

test("what the caller throws for lack of room is what it gets", async () => {
  const full = new Error("full");
  await expect(undo(["gzip"], gzipSync(TEXT), 1_000, () => { throw full; })).rejects.toBe(full);
});
