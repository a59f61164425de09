import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { extract, pack } from "tar-stream";
import { textMemoryBytes } from "../data-memory.ts";
import { quoted, UnfitError } from "./unfit.ts";

/** Largest bundle accepted: packed, and unpacked in whole. */
export const PACKED_LIMIT_BYTES = 32 << 20;
const UNPACKED_LIMIT_BYTES = 128 << 20;
/** Folders included. */
const FILES_LIMIT = 1_000;
/** In characters. */
const PATH_LIMIT = 256;
/** It names the revision and three entry points. */
const MANIFEST_LIMIT_BYTES = 64 << 10;
/** The default of `policy.memoryLimitBytes`. */
const DEFAULT_MEMORY_BYTES = 64 << 20;

/** Files of a bundle by their path, without the leading `/` that OPA writes. Within the limits of `unpackFiles`: what is JSON in it may be parsed. */
export type BundleFiles = ReadonlyMap<string, Buffer>;

/**
 * Unpacks OPA's bundle format, a gzipped tar, within limits that hold before anything in it is parsed.
 * @param memoryLimitBytes of the evaluator that is to hold the data: what would not fit is refused by its text
 * @throws UnfitError that says in one line what is wrong: too large, packed, unpacked or once it is parsed; no gzip, no tar; a path twice or one that nobody
 * honest writes; links
 */
export async function unpackFiles(packed: Uint8Array, memoryLimitBytes = DEFAULT_MEMORY_BYTES): Promise<BundleFiles> {
  if (packed.byteLength > PACKED_LIMIT_BYTES) throw new UnfitError(`the bundle is larger than ${PACKED_LIMIT_BYTES} bytes`);
  const files = await readFiles(await unzip(packed));
  if ((files.get(".manifest")?.byteLength ?? 0) > MANIFEST_LIMIT_BYTES) throw new UnfitError(`.manifest of the bundle is larger than ${MANIFEST_LIMIT_BYTES} bytes`);
  const data = files.get("data.json");
  if (data !== undefined && textMemoryBytes(data) > memoryLimitBytes) {
    throw new UnfitError(`data.json of the bundle is larger than an evaluator of ${memoryLimitBytes} bytes holds (policy.memoryLimitBytes)`);
  }
  return files;
}

/** Packs files in the order given; the same files give the same bytes (before compression, which differs by platform). */
export async function packFiles(files: BundleFiles): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of files) tar.entry({ name: `/${name}`, mode: 0o644, uid: 0, gid: 0, mtime: new Date(0) }, content);
  tar.finalize();
  return promisify(gzip)(await buffer(tar), { level: 9 });
}

async function unzip(packed: Uint8Array): Promise<Buffer> {
  try {
    return await promisify(gunzip)(packed, { maxOutputLength: UNPACKED_LIMIT_BYTES });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ERR_BUFFER_TOO_LARGE") throw new UnfitError(`the bundle unpacks to more than ${UNPACKED_LIMIT_BYTES} bytes`, { cause });
    throw new UnfitError(code === "Z_BUF_ERROR" ? "the bundle is cut off" : "the bundle is not a gzip file", { cause });
  }
}

async function readFiles(tar: Buffer): Promise<BundleFiles> {
  const files = new Map<string, Buffer>();
  let entries = 0;
  try {
    const unpacked = extract();
    unpacked.end(tar);
    for await (const entry of unpacked) {
      const { name, type } = entry.header;
      entries += 1;
      if (entries > FILES_LIMIT) throw new Error(`it holds more than ${FILES_LIMIT} files and folders`);
      const content = await buffer(entry);
      if (type === "directory") continue;
      const path = plainPath(name);
      if (type !== "file") throw new Error(`it holds a ${type ?? "nameless"} entry ${quoted(name)}`);
      if (files.has(path)) throw new Error(`it holds ${quoted(path)} twice`);
      refuseStray(path);
      files.set(path, content);
    }
  } catch (cause) {
    throw new UnfitError(`the bundle cannot be unpacked: ${(cause as Error).message}`, { cause });
  }
  return files;
}

/** What would be left unread, though a policy must not say less than its bundle; and what OPA would take for the bundle's own. */
function refuseStray(path: string): void {
  if (path !== "data.json" && /(?:^|\/)data\.(?:json|ya?ml)$/.test(path)) throw new Error(`it holds data in ${quoted(path)}; \`opa build\` merges it into one data.json`);
  if (path.endsWith("/.signatures.json")) throw new Error(`it holds a signature in ${quoted(path)}; it belongs at the top`);
  if (path !== ".manifest" && path.endsWith(".manifest")) throw new Error(`it holds a manifest in ${quoted(path)}; it belongs at the top`);
}

/** Nothing is ever written to a disk from a bundle; odd paths are refused all the same, because nobody honest makes them. */
function plainPath(name: string): string {
  if (name.length > PATH_LIMIT) throw new Error(`it holds a path of ${name.length} characters, ${quoted(name)}`);
  const path = name.replace(/^\.?\//, "");
  if (path === "" || path.includes("\\") || path.includes("\0") || path.split("/").some((part) => part === "" || part === "." || part === "..")) {
    throw new Error(`it holds the path ${quoted(name)}`);
  }
  return path;
}
