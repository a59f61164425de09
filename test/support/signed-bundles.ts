import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { CompactSign } from "jose";
import { bundleOf, filesOf } from "../../proxy/policy/bundle.ts";
import { hashOfFile, covered, SIGNATURES_FILE } from "../../proxy/policy/bundles/file-hashes.ts";
import { packFiles, unpackFiles, type BundleFiles } from "../../proxy/policy/bundles/files.ts";
import { signFiles, type Verification } from "../../proxy/policy/bundles/signature.ts";
import { readPrivateKey, readPublicKey, type SigningKey } from "../../proxy/policy/bundles/signing-keys.ts";
import { compileData } from "../../proxy/policy/compile-data.ts";
import { policyData } from "../../proxy/policy/data.ts";

/** A pair of keys as `weir policy keygen` makes it, or of another kind. */
export interface TestKeys {
  readonly privatePem: string;
  readonly publicPem: string;
  readonly signing: SigningKey;
  readonly public: SigningKey;
}

export function keysOf(kind: "ed25519" | "p-256" | "rsa" = "ed25519"): TestKeys {
  const { privateKey, publicKey } = generate(kind);
  const privatePem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const publicPem = publicKey.export({ type: "spki", format: "pem" }).toString();
  return { privatePem, publicPem, signing: readPrivateKey(privatePem), public: readPublicKey(publicPem) };
}

function generate(kind: "ed25519" | "p-256" | "rsa"): { privateKey: KeyObject; publicKey: KeyObject } {
  if (kind === "ed25519") return generateKeyPairSync("ed25519");
  if (kind === "p-256") return generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return generateKeyPairSync("rsa", { modulusLength: 2_048 });
}

/** What the proxy checks with: the keys by their ID. */
export function verifying(keys: Readonly<Record<string, TestKeys>>, scope: string | null = null): Verification {
  return { keys: new Map(Object.entries(keys).map(([id, pair]) => [id, pair.public])), scope };
}

/** The library with this data, under this revision; unsigned. */
export async function policyFiles(data: Record<string, unknown>, revision: string): Promise<BundleFiles> {
  const { wasm } = bundleOf(await unpackFiles(await readFile(new URL("../../policies/dist/default.tar.gz", import.meta.url))));
  return filesOf({ wasm, data: compileData(policyData.parse(data)), revision });
}

/** The files with their signature, packed. */
export async function signed(files: BundleFiles, keys: TestKeys, names: { keyId?: string; scope?: string } = {}): Promise<Buffer> {
  return packFiles(new Map([...files, [SIGNATURES_FILE, await signFiles(files, keys.signing, names)]]));
}

/** The claims of an honest signature, to be made dishonest. */
export function claimsOf(files: BundleFiles): { files: { name: string; hash: string; algorithm: string }[] } {
  return { files: covered(files).map(([name, content]) => ({ name, hash: hashOfFile(name, content, "SHA-256"), algorithm: "SHA-256" })) };
}

/** A signature over whatever claims, with whatever header. */
export async function signatureOver(claims: unknown, { signing }: TestKeys, header: Record<string, unknown> = {}): Promise<Buffer> {
  const token = await new CompactSign(Buffer.from(JSON.stringify(claims))).setProtectedHeader({ alg: signing.algorithm, typ: "JWT", ...header }).sign(signing.key);
  return Buffer.from(JSON.stringify({ signatures: [token] }));
}
