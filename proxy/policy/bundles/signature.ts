import { compactVerify, CompactSign, decodeProtectedHeader } from "jose";
import * as z from "zod";
import { textMemoryBytes } from "../data-memory.ts";
import { covered, hashOfFile, HASHES, SIGNATURES_FILE, type HashName } from "./file-hashes.ts";
import type { BundleFiles } from "./files.ts";
import type { SigningKey } from "./signing-keys.ts";
import { quoted, UnfitError } from "./unfit.ts";

/** Keys by their ID, and what a signature must say it is for. */
export interface Verification {
  readonly keys: ReadonlyMap<string, SigningKey>;
  /** Null: the signature names no scope. */
  readonly scope: string | null;
}

/** Whose signature holds. */
export interface Signer {
  /** The ID under which the key is configured. */
  readonly keyId: string;
  readonly algorithm: string;
}

const SIGNATURES_LIMIT_BYTES = 1 << 20;
/** What JSON of a signature may come to once it is parsed, by `textMemoryBytes`: the claims of a thousand files do. */
const PARSED_LIMIT_BYTES = 4 << 20;

/** A plugin would be another way to check; there is this one. */
const signaturesFile = z.strictObject({ signatures: z.array(z.string()).length(1, "holds not exactly one signature") });
/** Nothing else: neither `crit`, nor a key or the address of one. */
const header = z.strictObject({ alg: z.string(), kid: z.string().min(1).optional(), typ: z.string().optional() });
const claims = z.looseObject({
  files: z.array(z.strictObject({
    name: z.string(), hash: z.string().regex(/^[0-9a-fA-F]+$/), algorithm: z.enum(Object.keys(HASHES) as [HashName, ...HashName[]]),
  })).max(1_000),
  scope: z.string().optional(),
  keyid: z.string().min(1).optional(),
});
type Claims = z.output<typeof claims>;

/** Ed25519 has two names: the one of RFC 8037, which everybody writes, and the one of RFC 9864. */
const NAMES = { EdDSA: ["EdDSA", "Ed25519"], ES256: ["ES256"], RS256: ["RS256"] } as const;

/**
 * Checks the signature of a bundle as OPA defines it (`.signatures.json`, docs "Bundle signing"), by one of the configured keys, and that it covers every file
 * with its hash, no file besides, none twice.
 * @throws UnfitError that says in one line why it does not hold; nothing of the bundle may be used then
 */
export async function verifySignature(files: BundleFiles, verification: Verification): Promise<Signer> {
  const content = files.get(SIGNATURES_FILE);
  if (content === undefined) throw new UnfitError(`the bundle is not signed: it holds no ${SIGNATURES_FILE}`);
  if (content.byteLength > SIGNATURES_LIMIT_BYTES) throw new UnfitError(`${SIGNATURES_FILE} is larger than ${SIGNATURES_LIMIT_BYTES} bytes`);
  const [token = ""] = read(signaturesFile, content.toString("utf8"), SIGNATURES_FILE).signatures;
  const { signer, payload } = await verifyToken(token, verification);
  if ((payload.scope ?? null) !== verification.scope) {
    throw new UnfitError(`the signature is for ${describeScope(payload.scope)}, not for ${describeScope(verification.scope)}`);
  }
  checkCoverage(files, payload);
  return signer;
}

/** What a signature may say of itself. */
export interface SignatureNames {
  readonly keyId?: string | undefined;
  readonly scope?: string | undefined;
}

/** Signs every file. @returns the content of `.signatures.json` */
export async function signFiles(files: BundleFiles, { key, algorithm }: SigningKey, names: SignatureNames): Promise<Buffer> {
  const payload = {
    files: covered(files).map(([name, content]) => ({ name, hash: hashOfFile(name, content, "SHA-256"), algorithm: "SHA-256" })),
    ...(names.scope === undefined ? {} : { scope: names.scope }),
  };
  const token = await new CompactSign(Buffer.from(JSON.stringify(payload)))
    .setProtectedHeader({ alg: algorithm, typ: "JWT", ...(names.keyId === undefined ? {} : { kid: names.keyId }) }).sign(key);
  return Buffer.from(JSON.stringify({ signatures: [token] }));
}

/** What a signature says of itself. Unchecked: for people, never for a decision. */
export function describeSignature(files: BundleFiles): { readonly algorithm: string; readonly keyId: string | null; readonly scope: string | null } | null {
  const content = files.get(SIGNATURES_FILE);
  if (content === undefined) return null;
  const [token = ""] = read(signaturesFile, content.toString("utf8"), SIGNATURES_FILE).signatures;
  const head = headerOf(token);
  const payload = claimsOf(token);
  return { algorithm: head.alg, keyId: head.kid ?? payload.keyid ?? null, scope: payload.scope ?? null };
}

/** The token may name its key; it cannot bring one. Without a name each configured key may be the one. */
async function verifyToken(token: string, { keys }: Verification): Promise<{ signer: Signer; payload: Claims }> {
  const { kid = claimsOf(token).keyid } = headerOf(token);
  if (kid !== undefined && !keys.has(kid)) throw new UnfitError(`it is signed with the key ${quoted(kid)}, which is not among policy.verification.keys`);
  const tried = kid === undefined ? [...keys] : [...keys].filter(([id]) => id === kid);
  for (const [keyId, { key, algorithm }] of tried) {
    const verified = await compactVerify(token, key, { algorithms: [...NAMES[algorithm]] }).catch(() => null);
    if (verified === null) continue;
    // Read from what was verified, not from what was looked at before.
    return { signer: { keyId, algorithm }, payload: read(claims, Buffer.from(verified.payload).toString("utf8"), "the signature") };
  }
  throw new UnfitError(`its signature does not hold with ${kid === undefined ? "any of policy.verification.keys" : `the key ${kid}`}`);
}

function headerOf(token: string): z.output<typeof header> {
  try {
    return header.parse(decodeProtectedHeader(token));
  } catch (cause) {
    throw new UnfitError(`the signature's header names something else than alg, kid and typ`, { cause });
  }
}

function claimsOf(token: string): Claims {
  return read(claims, Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"), "the signature");
}

function checkCoverage(files: BundleFiles, { files: listed }: Claims): void {
  const unseen = new Map(covered(files));
  const names = new Set<string>();
  for (const { name, hash, algorithm } of listed) {
    const content = unseen.get(name);
    if (names.has(name)) throw new UnfitError(`the signature lists ${quoted(name)} twice`);
    if (content === undefined) throw new UnfitError(`the signature lists ${quoted(name)}, which the bundle does not hold`);
    if (hashOfFile(name, content, algorithm) !== hash.toLowerCase()) throw new UnfitError(`${quoted(name)} of the bundle is not what was signed`);
    names.add(name);
    unseen.delete(name);
  }
  const [unsigned] = unseen.keys();
  if (unsigned !== undefined) throw new UnfitError(`the signature does not cover ${quoted(unsigned)}`);
}

function describeScope(scope: string | null | undefined): string {
  return scope === undefined || scope === null ? "no scope" : `the scope ${quoted(scope)}`;
}

function read<T extends z.ZodType>(schema: T, text: string, name: string): z.output<T> {
  if (textMemoryBytes(Buffer.from(text)) > PARSED_LIMIT_BYTES) throw new UnfitError(`${name} holds more than a signature does`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new UnfitError(`${name} is not JSON`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UnfitError(`${name}: ${[issue?.path.join("."), issue?.message].filter(Boolean).join(" ")}`, { cause: parsed.error });
}
