import { createHash } from "node:crypto";
import type { BundleFiles } from "./files.ts";
import { canonicalJson } from "./canonical-json.ts";
import { UnfitError } from "./unfit.ts";

/** Where OPA keeps the signature of a bundle; the one file that it does not cover. */
export const SIGNATURES_FILE = ".signatures.json";

/** OPA's names of the hashes that still hold; it knows MD5 and SHA-1 too, and those are no longer any. */
export const HASHES = { "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512" } as const;
export type HashName = keyof typeof HASHES;

/** @returns hexadecimal, lower case: of the bytes, or for `.manifest` and `data.json` of OPA's canonical form @throws UnfitError if such a file is not JSON */
export function hashOfFile(path: string, content: Buffer, hash: HashName): string {
  return createHash(HASHES[hash]).update(isStructured(path) ? canonical(path, content) : content).digest("hex");
}

/** Names the content of a bundle, however it is packed and by whomever signed. */
export function contentDigest(files: BundleFiles): string {
  const digest = createHash("sha256");
  for (const [path, content] of covered(files).sort(([one], [other]) => (one < other ? -1 : 1))) digest.update(`${hashOfFile(path, content, "SHA-256")} ${path}\n`);
  return `sha256:${digest.digest("hex")}`;
}

/** What a signature has to cover: everything but itself. */
export function covered(files: BundleFiles): [path: string, content: Buffer][] {
  return [...files].filter(([path]) => path !== SIGNATURES_FILE);
}

/** There are none of them elsewhere: `unpackFiles` refuses those, and limits these. */
function isStructured(path: string): boolean {
  return path === ".manifest" || path === "data.json";
}

function canonical(path: string, content: Buffer): string {
  try {
    return canonicalJson(content.toString("utf8"));
  } catch (cause) {
    throw new UnfitError(`${path} of the bundle is not JSON`, { cause });
  }
}
