import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { extract, pack } from "tar-stream";
import * as z from "zod";
import { ENTRY_POINTS } from "./entry-points.ts";

/** Largest bundle accepted: packed, and unpacked in whole. */
export const PACKED_LIMIT_BYTES = 32 << 20;
const UNPACKED_LIMIT_BYTES = 128 << 20;
const FILES_LIMIT = 1_000;

/** What a policy is made of, wherever it came from. */
export interface Bundle {
  readonly revision: string;
  readonly wasm: Uint8Array<ArrayBuffer>;
  /** Base documents, `data` in Rego. */
  readonly data: object;
}

/** OPA's manifest; keys that are not used here are its own affair. */
const manifest = z.object({
  revision: z.string().min(1, "is empty; build with `weir policy build` or `opa build --revision`").max(200),
  wasm: z.array(z.object({ entrypoint: z.string(), module: z.string() })).min(1, "lists no entry point; build with `-t wasm`"),
});

/**
 * Reads OPA's bundle format (`opa build -t wasm`): `.manifest`, `policy.wasm`, `data.json`; Rego sources in it are not looked at.
 * @throws Error that says in one line what is wrong with it
 */
export async function readBundle(packed: Uint8Array): Promise<Bundle> {
  if (packed.byteLength > PACKED_LIMIT_BYTES) throw new Error(`the bundle is larger than ${PACKED_LIMIT_BYTES} bytes`);
  const files = await readFiles(await unzip(packed));
  const head = parse(manifest, ".manifest", required(files, ".manifest"));
  for (const entryPoint of Object.values(ENTRY_POINTS)) {
    const found = head.wasm.find(({ entrypoint }) => entrypoint === entryPoint);
    if (found === undefined) throw new Error(`the bundle has no entry point ${entryPoint}`);
    if (found.module !== "/policy.wasm") throw new Error(`the entry point ${entryPoint} is in ${found.module}, not in /policy.wasm`);
  }
  const data = parse(z.record(z.string(), z.unknown()), "data.json", files.get("data.json") ?? Buffer.from("{}"));
  return { revision: head.revision, wasm: new Uint8Array(required(files, "policy.wasm")), data };
}

/** Writes a bundle; the same bundle gives the same bytes (before compression, which differs by platform). */
export async function writeBundle(bundle: Bundle): Promise<Buffer> {
  const wasm = Object.values(ENTRY_POINTS).map((entrypoint) => ({ entrypoint, module: "/policy.wasm" }));
  const files: readonly (readonly [string, Buffer])[] = [
    ["/.manifest", Buffer.from(JSON.stringify({ revision: bundle.revision, roots: [""], wasm, rego_version: 1 }))],
    ["/data.json", Buffer.from(JSON.stringify(bundle.data))],
    ["/policy.wasm", Buffer.from(bundle.wasm)],
  ];
  const tar = pack();
  for (const [name, content] of files) tar.entry({ name, mode: 0o644, uid: 0, gid: 0, mtime: new Date(0) }, content);
  tar.finalize();
  return promisify(gzip)(await buffer(tar), { level: 9 });
}

/** A revision for content that nobody numbered: equal content has equal revisions. */
export function contentRevision(wasm: Uint8Array, data: object): string {
  return `sha256:${createHash("sha256").update(wasm).update(JSON.stringify(data)).digest("hex").slice(0, 16)}`;
}

async function unzip(packed: Uint8Array): Promise<Buffer> {
  try {
    return await promisify(gunzip)(packed, { maxOutputLength: UNPACKED_LIMIT_BYTES });
  } catch (cause) {
    throw new Error((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? `the bundle unpacks to more than ${UNPACKED_LIMIT_BYTES} bytes` : "the bundle is not a gzip file", { cause });
  }
}

async function readFiles(tar: Buffer): Promise<ReadonlyMap<string, Buffer>> {
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
      if (/\/data\.(?:json|ya?ml)$/.test(path)) throw new Error(`it holds data in ${path}; \`opa build\` merges it into one data.json`);
      files.set(path, content);
    }
  } catch (cause) {
    throw new Error(`the bundle cannot be unpacked: ${(cause as Error).message}`, { cause });
  }
  return files;
}

/** Nothing is ever written to a disk from a bundle; odd paths are refused all the same, because nobody honest makes them. */
function plainPath(name: string): string {
  const path = name.replace(/^\.?\//, "");
  if (path === "" || path.includes("\\") || path.includes("\0") || path.split("/").some((part) => part === "" || part === "." || part === "..")) {
    throw new Error(`it holds the path ${JSON.stringify(name)}`);
  }
  return path;
}

function required(files: ReadonlyMap<string, Buffer>, name: string): Buffer {
  const content = files.get(name);
  if (content === undefined) throw new Error(`the bundle holds no ${name}; build it with \`weir policy build\` or \`opa build -t wasm\``);
  return content;
}

function parse<T extends z.ZodType>(schema: T, name: string, content: Buffer): z.output<T> {
  let json: unknown;
  try {
    json = JSON.parse(content.toString("utf8"));
  } catch (cause) {
    throw new Error(`${name} of the bundle is not JSON`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${name} of the bundle: ${issue?.path.join(".") ?? ""} ${issue?.message ?? "is malformed"}`, { cause: parsed.error });
}
