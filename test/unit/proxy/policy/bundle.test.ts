import { gunzipSync, gzipSync } from "node:zlib";
import { buffer } from "node:stream/consumers";
import { pack, type Header } from "tar-stream";
import { describe, expect, test } from "vitest";
import { contentRevision, readBundle, writeBundle } from "../../../../proxy/policy/bundle.ts";
import { ENTRY_POINTS } from "../../../../proxy/policy/entry-points.ts";

const wasm = new Uint8Array([0, 97, 115, 109]);
const manifest = { revision: "r1", wasm: Object.values(ENTRY_POINTS).map((entrypoint) => ({ entrypoint, module: "/policy.wasm" })) };
type File = readonly [header: string | Partial<Header> & { name: string }, content: string | Uint8Array];
const files = (head: unknown = manifest): File[] => [["/.manifest", JSON.stringify(head)], ["/data.json", "{\"a\":1}"], ["/policy.wasm", wasm]];

async function tarball(entries: readonly File[]): Promise<Buffer> {
  const tar = pack();
  for (const [header, content] of entries) tar.entry(typeof header === "string" ? { name: header } : header, Buffer.from(content));
  tar.finalize();
  return gzipSync(await buffer(tar));
}

describe("a bundle", () => {
  test("is read as OPA writes it, Rego sources left aside", async () => {
    const bundle = await readBundle(await tarball([...files(), ["/exchange.rego", "package x"], [{ name: "/folder/", type: "directory" }, ""]]));
    expect(bundle).toEqual({ revision: "r1", data: { a: 1 }, wasm });
  });

  test("that is written can be read again, and is the same each time", async () => {
    const bundle = { revision: "r2", wasm, data: { egress: {} } };
    const packed = await writeBundle(bundle);
    expect(await readBundle(packed)).toEqual(bundle);
    expect(gunzipSync(await writeBundle(bundle)).equals(gunzipSync(packed))).toBe(true);
  });

  test("without data has none", async () => {
    expect((await readBundle(await tarball(files().filter(([name]) => name !== "/data.json")))).data).toEqual({});
  });

  const REFUSED: readonly (readonly [what: string, entries: readonly File[], reason: string])[] = [
    ["without a manifest", files().slice(1), "no .manifest"],
    ["without WebAssembly", files().slice(0, 2), "no policy.wasm"],
    ["without a revision", files({ ...manifest, revision: "" }), "revision"],
    ["without one entry point", files({ ...manifest, wasm: manifest.wasm.slice(1) }), "no entry point weir/connection/decision"],
    ["without any entry point", files({ ...manifest, wasm: [] }), "no entry point"],
    ["with its module elsewhere", files({ ...manifest, wasm: manifest.wasm.map((entry) => ({ ...entry, module: "/other.wasm" })) }), "not in /policy.wasm"],
    ["whose manifest is no JSON", [["/.manifest", "{"], ...files().slice(1)], "not JSON"],
    ["whose data is a list", [...files().filter(([name]) => name !== "/data.json"), ["/data.json", "[]"]], "data.json"],
    ["with a file twice", [...files(), ["policy.wasm", wasm]], "twice"],
    ["with a path that leads out", [...files(), ["../policy.wasm", wasm]], "path"],
    ["with a path that leads out in the middle", [...files(), ["/a/../../b", "x"]], "path"],
    ["with a backslash in a path", [...files(), ["/a\\b", "x"]], "path"],
    ["with a link", [...files(), [{ name: "/x.wasm", type: "symlink", linkname: "/etc/passwd" }, ""]], "symlink"],
    ["with data in folders", [...files(), ["/egress/data.json", "{}"]], "opa build"],
    ["with a manifest in a folder", [...files(), ["/egress/.manifest", "{}"]], "belongs at the top"],
    ["with a manifest that is larger than any", [["/.manifest", JSON.stringify({ ...manifest, more: "x".repeat(64 << 10) })], ...files().slice(1)], ".manifest of the bundle is larger than 65536 bytes"],
    ["with data that only parsing would blow up", [...files().filter(([name]) => name !== "/data.json"), ["/data.json", `{"a":[${"0,".repeat(400_000)}0]}`]], "policy.memoryLimitBytes"],
    ["with too many folders", [...files(), ...Array.from({ length: 1_001 }, (_, n): File => [{ name: `/f${n}/`, type: "directory" }, ""])], "more than 1000 files and folders"],
    ["with too many files", [...files(), ...Array.from({ length: 1_001 }, (_, n): File => [`/f${n}.rego`, ""])], "more than 1000 files"],
  ];

  test.each(REFUSED)("%s is refused with the reason", async (_, entries, reason) => {
    await expect(readBundle(await tarball(entries))).rejects.toThrow(reason);
  });

  test.each([
    ["that is too long", { name: "/x", pax: { path: "a/".repeat(600_000) } }],
    ["of what cannot be printed", { name: "/x", pax: { path: "\u0001/../".repeat(600_000) } }],
    ["of a link, however long", { name: "/x", type: "symlink" as const, linkname: "y", pax: { path: "\u0001".repeat(250) } }],
  ])("with a path %s is refused in one short line", async (_, header) => {
    const refusal = await readBundle(await tarball([...files(), [header, ""]])).catch((error: unknown) => error as Error);
    expect(refusal).toMatchObject({ name: "UnfitError", message: expect.stringMatching(/^the bundle cannot be unpacked: it holds a [\x20-\x7e…]{1,800}$/) });
  });

  test("with as much data as an evaluator of the default size holds is read", async () => {
    const data = { a: Array.from({ length: 300_000 }, (_, n) => n % 10) };
    expect((await readBundle(await tarball([...files().filter(([name]) => name !== "/data.json"), ["/data.json", JSON.stringify(data)]]))).data).toEqual(data);
  });

  test("that is no gzip file is refused", async () => {
    await expect(readBundle(Buffer.from("not gzip"))).rejects.toThrow("not a gzip file");
  });

  test("that ends in the middle is refused", async () => {
    const whole = gunzipSync(await tarball(files()));
    await expect(readBundle(gzipSync(whole.subarray(0, 1_100)))).rejects.toThrow("Unexpected end of data");
    await expect(readBundle((await tarball(files())).subarray(0, 60))).rejects.toThrow("cut off");
  });

  /** An archive that ends where the content of its last file would begin (POSIX.1-2017, "ustar Interchange Format"). */
  async function endingAt(last: string, size: number, before: readonly File[] = files()): Promise<Buffer> {
    const whole = gunzipSync(await tarball([...before, [last, ""]]));
    const header = whole.subarray(whole.byteLength - 1_536, whole.byteLength - 1_024);
    header.write(`${size.toString(8).padStart(11, "0")} `, 124, "latin1");
    header.fill(" ", 148, 156);
    header.write(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    return gzipSync(whole.subarray(0, -1_024), { level: 1 });
  }

  test.each([
    ["a file", "/big.rego", (64 << 20) + 1, "\"big.rego\" of the bundle is larger than 67108864 bytes"],
    ["a signature", "/.signatures.json", (1 << 20) + 1, ".signatures.json of the bundle is larger than 1048576 bytes"],
  ])("with %s that says it is too large is refused before it is read", async (_what, name, size, reason) => {
    await expect(readBundle(await endingAt(name, size))).rejects.toThrow(reason);
    await expect(readBundle(await endingAt(name, size - 1))).rejects.toThrow("Unexpected end of data");
  });

  test("whose files together say that they are too large is refused before the last of them is read", async () => {
    const first: File = ["/a.rego", Buffer.alloc(64 << 20)];
    await expect(readBundle(await endingAt("/b.rego", 64 << 20, [first, ["/c.rego", "x"]]))).rejects.toThrow("unpacks to more than 134217728 bytes");
  });

  test("that unpacks without end is refused before it is unpacked", async () => {
    await expect(readBundle(gzipSync(Buffer.alloc(129 << 20), { level: 1 }))).rejects.toThrow("unpacks to more than");
  });
});

test("equal content has equal revisions, other content has others", () => {
  expect(contentRevision(wasm, { a: 1 })).toBe(contentRevision(wasm, { a: 1 }));
  expect(contentRevision(wasm, { a: 1 })).not.toBe(contentRevision(wasm, { a: 2 }));
});
