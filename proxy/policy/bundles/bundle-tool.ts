import { generateKeyPairSync } from "node:crypto";
import { EXIT, UserError } from "../../../common/exit-codes.ts";
import { bundleOf } from "../bundle.ts";
import { contentDigest, covered, SIGNATURES_FILE } from "./file-hashes.ts";
import { packFiles, unpackFiles } from "./files.ts";
import { nameApart } from "./open-apart.ts";
import { REVISION_FORM, revisionNumber, stepFrom } from "./revision.ts";
import { describeSignature, signFiles, verifySignature, type Signer } from "./signature.ts";
import { readPrivateKey, readPublicKey } from "./signing-keys.ts";
import { isUnfit } from "./unfit.ts";

/** The most that `policy.memoryLimitBytes` can be: who will use the bundle is not known here. */
const MEMORY_LIMIT_BYTES = 1 << 30;

/** What an operator does with bundles: none of it runs while agents are served. */
export interface SigningOrder {
  /** The private key, PEM. */
  readonly keyPem: string;
  /** The ID under which those who check know the key; without it they try all of theirs. */
  readonly keyId?: string | undefined;
  readonly scope?: string | undefined;
}

/** What a bundle says of itself, and who vouches for it. */
export interface BundleReport {
  readonly revision: string;
  readonly bytes: number;
  readonly digest: string;
  /** What the signature says; unchecked. Null: there is none. */
  readonly signature: { readonly algorithm: string; readonly keyId: string | null; readonly scope: string | null } | null;
  /** Null: nobody gave a key to check with. */
  readonly signer: Signer | null;
  readonly entryPoints: readonly string[];
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
}

/** A new pair of Ed25519 keys: PEM (PKCS #8, SPKI), which `opa sign --signing-alg EdDSA` takes too. */
export function makeSigningKeys(): { readonly privatePem: string; readonly publicPem: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return { privatePem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(), publicPem: publicKey.export({ type: "spki", format: "pem" }).toString() };
}

/** Signs a bundle, ours or any other of OPA's; a signature that it has is replaced. @throws UserError */
export async function signBundle(packed: Uint8Array, { keyPem, keyId, scope }: SigningOrder): Promise<Buffer> {
  return mended("sign the bundle", async () => {
    const key = readPrivateKey(keyPem);
    const files = new Map(covered(await unpackFiles(packed, MEMORY_LIMIT_BYTES)));
    return packFiles(new Map([...files, [SIGNATURES_FILE, await signFiles(files, key, { keyId, scope })]]));
  });
}

/**
 * Looks into a bundle.
 * @param publicPem if given, its signature must hold by this key, for the scope that is given
 * @throws UserError if it cannot be read, or the signature does not hold
 */
export async function inspectBundle(packed: Uint8Array, publicPem?: string, scope?: string): Promise<BundleReport> {
  return mended("use the bundle", async () => {
    const files = await unpackFiles(packed, MEMORY_LIMIT_BYTES);
    const { revision } = bundleOf(files);
    const head = JSON.parse((files.get(".manifest") ?? Buffer.from("{}")).toString("utf8")) as { readonly wasm?: readonly { readonly entrypoint: string }[] };
    const signature = describeSignature(files);
    const keys = publicPem === undefined ? null : new Map([[signature?.keyId ?? "given", readPublicKey(publicPem)]]);
    return {
      revision, bytes: packed.byteLength, digest: contentDigest(files), signature,
      signer: keys === null ? null : await verifySignature(files, { keys, scope: scope ?? null }),
      entryPoints: (head.wasm ?? []).map(({ entrypoint }) => entrypoint),
      files: [...files].map(([path, content]) => ({ path, bytes: content.byteLength })),
    };
  });
}

/**
 * Whether a bundle may take the place of another: its revision goes up. Where the one before has no order, or cannot be read, an ordered one may follow.
 * @param before null: there is none
 * @returns false if it is the same, so that there is nothing to do
 * @throws UserError if it may not, or if its revision has no order
 */
export async function mayReplace(next: Uint8Array, before: Uint8Array | null): Promise<boolean> {
  return mended("publish the bundle", async () => {
    const name = await nameApart(next, MEMORY_LIMIT_BYTES);
    const now = before === null ? null : await nameApart(before, MEMORY_LIMIT_BYTES).catch(nothingIfUnfit);
    const step = stepFrom(now, name);
    if (step === "unordered") throw new Error(`its revision ${JSON.stringify(name.revision)} has no order; it has to be ${REVISION_FORM}`);
    if (step === "lower") {
      throw new Error(`its revision ${name.revision} is lower than ${now?.revision}, which is published; to go back, publish the older policy under a higher one`);
    }
    if (step === "conflict") throw new Error(`revision ${now?.revision} is published with other content; give it a higher one`);
    // The same content may be signed anew, or be packed in another way.
    return before === null || Buffer.compare(next, before) !== 0;
  });
}

/** What is there and is no bundle stands in nobody's way; that it could not be looked at does. */
function nothingIfUnfit(error: unknown): null {
  if (isUnfit(error)) return null;
  throw error;
}

/** @throws UserError if the revision has no order */
export function requireOrder(revision: string): string {
  if (revisionNumber(revision) === null) throw new UserError(`${JSON.stringify(revision)} is no revision that has an order`, `It is ${REVISION_FORM}.`, EXIT.usage);
  return revision;
}

async function mended<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new UserError(`cannot ${what}: ${(cause as Error).message}`, "docs/bundles.md says how bundles are built, signed and published.", EXIT.config, { cause });
  }
}
