import { createHash } from "node:crypto";
import * as z from "zod";
import { parseJsonText } from "../../common/json/parse-json.ts";
import { packFiles, unpackFiles, type BundleFiles } from "./bundles/files.ts";
import { quoted, UnfitError } from "./bundles/unfit.ts";
import { ENTRY_POINTS } from "./entry-points.ts";

export { PACKED_LIMIT_BYTES } from "./bundles/files.ts";

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
 * @throws UnfitError that says in one line what is wrong with it
 */
export async function readBundle(packed: Uint8Array): Promise<Bundle> {
  return bundleOf(await unpackFiles(packed));
}

/** The policy that unpacked files are. @throws UnfitError that says in one line what is wrong with it */
export function bundleOf(files: BundleFiles): Bundle {
  const head = parse(manifest, ".manifest", required(files, ".manifest"));
  for (const entryPoint of Object.values(ENTRY_POINTS)) {
    const found = head.wasm.find(({ entrypoint }) => entrypoint === entryPoint);
    if (found === undefined) throw new UnfitError(`the bundle has no entry point ${entryPoint}`);
    if (found.module !== "/policy.wasm") throw new UnfitError(`the entry point ${entryPoint} is in ${quoted(found.module)}, not in /policy.wasm`);
  }
  const data = parse(z.record(z.string(), z.unknown()), "data.json", files.get("data.json") ?? Buffer.from("{}"));
  return { revision: head.revision, wasm: new Uint8Array(required(files, "policy.wasm")), data };
}

/** The revision of any bundle of OPA's, whatever it is for; empty if it has none. @throws UnfitError if its manifest is not JSON */
export function revisionOf(files: BundleFiles): string {
  const { revision } = parse(z.looseObject({ revision: z.unknown().optional() }), ".manifest", files.get(".manifest") ?? Buffer.from("{}"));
  return typeof revision === "string" ? revision : "";
}

/** Writes a bundle; the same bundle gives the same bytes (before compression, which differs by platform). */
export async function writeBundle(bundle: Bundle): Promise<Buffer> {
  return packFiles(filesOf(bundle));
}

/** The files of a bundle as `opa build` would lay them out. */
export function filesOf(bundle: Bundle): BundleFiles {
  const wasm = Object.values(ENTRY_POINTS).map((entrypoint) => ({ entrypoint, module: "/policy.wasm" }));
  return new Map([
    [".manifest", Buffer.from(JSON.stringify({ revision: bundle.revision, roots: [""], wasm, rego_version: 1 }))],
    ["data.json", Buffer.from(JSON.stringify(bundle.data))],
    ["policy.wasm", Buffer.from(bundle.wasm)],
  ]);
}

/** A revision for content that nobody numbered: equal content has equal revisions. */
export function contentRevision(wasm: Uint8Array, data: object): string {
  return `sha256:${createHash("sha256").update(wasm).update(JSON.stringify(data)).digest("hex").slice(0, 16)}`;
}

function required(files: BundleFiles, name: string): Buffer {
  const content = files.get(name);
  if (content === undefined) throw new UnfitError(`the bundle holds no ${name}; build it with \`weir policy build\` or \`opa build -t wasm\``);
  return content;
}

function parse<T extends z.ZodType>(schema: T, name: string, content: Buffer): z.output<T> {
  let json: unknown;
  try {
    json = parseJsonText(content.toString("utf8"));
  } catch (cause) {
    throw new UnfitError(`${name} of the bundle is not JSON`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UnfitError(`${name} of the bundle: ${issue?.path.join(".") ?? ""} ${issue?.message ?? "is malformed"}`, { cause: parsed.error });
}
