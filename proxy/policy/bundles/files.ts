import { Readable, Transform } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createGunzip, gzip } from "node:zlib";
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
/** Of one file. Modules of some MiB are large, and data beyond their own limit are refused in any case. */
const FILE_LIMIT_BYTES = 64 << 20;
/** The manifest names the revision and three entry points; a signature has a line for each file. */
const FILE_LIMITS: ReadonlyMap<string, number> = new Map([[".manifest", 64 << 10], [".signatures.json", 1 << 20]]);
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
  const files = await readFiles(packed);
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

/** Reads as it unpacks: of a file that is too large, or more of them than are kept, nothing is taken into memory but a piece. */
async function readFiles(packed: Uint8Array): Promise<BundleFiles> {
  const files = new Map<string, Buffer>();
  const tar = extract();
  const unzipped = pipeline(Readable.from([packed]), createGunzip(), atMost(UNPACKED_LIMIT_BYTES), tar).then(() => null, (cause: unknown) => cause);
  const counted = { entries: 0, bytes: 0 };
  try {
    for await (const entry of tar) {
      const { name, type, size } = entry.header;
      count(counted, type === "directory" ? 0 : size);
      if (type === "directory") {
        entry.resume();
        continue;
      }
      const path = pathOf(name, type, files);
      requireSize(path, size);
      files.set(path, await buffer(entry));
    }
  } catch (cause) {
    tar.destroy();
    throw unfit(await unzipped ?? cause, cause);
  }
  const failed = await unzipped;
  if (failed !== null) throw unfit(failed, failed);
  return files;
}

/** By what its header says, before anything of it is read. */
function count(counted: { entries: number; bytes: number }, size: number): void {
  counted.entries += 1;
  counted.bytes += size;
  if (counted.entries > FILES_LIMIT) throw new Error(`it holds more than ${FILES_LIMIT} files and folders`);
  if (counted.bytes > UNPACKED_LIMIT_BYTES) throw new UnfitError(`the bundle unpacks to more than ${UNPACKED_LIMIT_BYTES} bytes`);
}

function pathOf(name: string, type: string | null | undefined, files: BundleFiles): string {
  const path = plainPath(name);
  if (type !== "file") throw new Error(`it holds a ${type ?? "nameless"} entry ${quoted(name)}`);
  if (files.has(path)) throw new Error(`it holds ${quoted(path)} twice`);
  refuseStray(path);
  return path;
}

function requireSize(path: string, size: number): void {
  const limit = FILE_LIMITS.get(path) ?? FILE_LIMIT_BYTES;
  if (size > limit) throw new UnfitError(`${FILE_LIMITS.has(path) ? path : quoted(path)} of the bundle is larger than ${limit} bytes`);
}

function atMost(limitBytes: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.byteLength;
      if (bytes > limitBytes) done(new UnfitError(`the bundle unpacks to more than ${limitBytes} bytes`));
      else done(null, chunk);
    },
  });
}

/** @param cause what ended the unpacking @param seen what was thrown where it is read, which may be no more than that it ended */
function unfit(cause: unknown, seen: unknown): UnfitError {
  const found = [seen, cause].find((error) => error instanceof UnfitError);
  if (found !== undefined) return found;
  const { code } = cause as NodeJS.ErrnoException;
  if (code === "Z_BUF_ERROR") return new UnfitError("the bundle is cut off", { cause });
  if (code?.startsWith("Z_") === true) return new UnfitError("the bundle is not a gzip file", { cause });
  return new UnfitError(`the bundle cannot be unpacked: ${(seen as Error).message}`, { cause: seen });
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
