import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { extract, pack } from "tar-stream";

/** Largest bundle accepted: packed, and unpacked in whole. */
export const PACKED_LIMIT_BYTES = 32 << 20;
const UNPACKED_LIMIT_BYTES = 128 << 20;
const FILES_LIMIT = 1_000;

/** Files of a bundle by their path, without the leading `/` that OPA writes. Nothing of it was looked at but the paths. */
export type BundleFiles = ReadonlyMap<string, Buffer>;

/**
 * Unpacks OPA's bundle format, a gzipped tar, within limits that hold before anything in it is read.
 * @throws Error that says in one line what is wrong: too large, packed or unpacked; no gzip, no tar; a path twice or one that nobody honest writes; links
 */
export async function unpackFiles(packed: Uint8Array): Promise<BundleFiles> {
  if (packed.byteLength > PACKED_LIMIT_BYTES) throw new Error(`the bundle is larger than ${PACKED_LIMIT_BYTES} bytes`);
  return readFiles(await unzip(packed));
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
    if (code === "ERR_BUFFER_TOO_LARGE") throw new Error(`the bundle unpacks to more than ${UNPACKED_LIMIT_BYTES} bytes`, { cause });
    throw new Error(code === "Z_BUF_ERROR" ? "the bundle is cut off" : "the bundle is not a gzip file", { cause });
  }
}

async function readFiles(tar: Buffer): Promise<BundleFiles> {
  const files = new Map<string, Buffer>();
  try {
    const unpacked = extract();
    unpacked.end(tar);
    for await (const entry of unpacked) {
      const { name, type } = entry.header;
      const content = await buffer(entry);
      if (type === "directory") continue;
      const path = plainPath(name);
      if (type !== "file") throw new Error(`it holds a ${type ?? "nameless"} entry ${name}`);
      if (files.has(path)) throw new Error(`it holds ${path} twice`);
      if (files.size >= FILES_LIMIT) throw new Error(`it holds more than ${FILES_LIMIT} files`);
      if (isStrayData(path)) throw new Error(`it holds data in ${path}; \`opa build\` merges it into one data.json`);
      // OPA would take it for the bundle's.
      if (path.endsWith("/.signatures.json")) throw new Error(`it holds a signature in ${path}; it belongs at the top`);
      files.set(path, content);
    }
  } catch (cause) {
    throw new Error(`the bundle cannot be unpacked: ${(cause as Error).message}`, { cause });
  }
  return files;
}

/** Data that would be left unread: a policy must not say less than its bundle. */
function isStrayData(path: string): boolean {
  return path !== "data.json" && /(?:^|\/)data\.(?:json|ya?ml)$/.test(path);
}

/** Nothing is ever written to a disk from a bundle; odd paths are refused all the same, because nobody honest makes them. */
function plainPath(name: string): string {
  const path = name.replace(/^\.?\//, "");
  if (path === "" || path.includes("\\") || path.includes("\0") || path.split("/").some((part) => part === "" || part === "." || part === "..")) {
    throw new Error(`it holds the path ${JSON.stringify(name)}`);
  }
  return path;
}
