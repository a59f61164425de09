import { createPrivateKey, createPublicKey, hash, sign, verify, type KeyObject } from "node:crypto";

/** Signature type of Ed25519 in a signed note (c2sp.org/signed-note). */
const ED25519 = 1;
/** DER of an Ed25519 SubjectPublicKeyInfo up to its 32 key bytes (RFC 8410 §4). */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const VERIFIER_KEY = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/;

/** A key that may sign notes of one name. */
export interface NoteVerifier {
  readonly name: string;
  /** First four bytes of SHA-256(name ‖ LF ‖ type ‖ key), hex; only a hint which key to try. */
  readonly keyId: string;
  readonly key: KeyObject;
}

export interface NoteSigner extends NoteVerifier {
  /** @returns 64 bytes (RFC 8032) @throws Error if the key is elsewhere and cannot be asked */
  sign(message: Buffer): Promise<Buffer>;
}

export function openSigner(name: string, privateKeyPem: string): NoteSigner {
  const privateKey = createPrivateKey(privateKeyPem);
  if (privateKey.asymmetricKeyType !== "ed25519") throw new Error("not an Ed25519 key");
  const key = createPublicKey(privateKey);
  return { name, keyId: keyIdOf(name, rawKey(key)), key, sign: async (message) => sign(null, message, privateKey) };
}

/** A verifier of the 32 bytes of a public key. */
export function openVerifier(name: string, raw: Buffer): NoteVerifier {
  return { name, keyId: keyIdOf(name, raw), key: createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: "der", type: "spki" }) };
}

/** The verifier key as published: `name+keyId+base64`, one line. */
export function formatVerifierKey(verifier: NoteVerifier): string {
  return `${verifier.name}+${verifier.keyId}+${Buffer.concat([Buffer.of(ED25519), rawKey(verifier.key)]).toString("base64")}`;
}

/** @throws Error if the line is not an Ed25519 verifier key whose id is its own */
export function parseVerifierKey(line: string): NoteVerifier {
  const [, name = "", keyId = "", encoded = ""] = VERIFIER_KEY.exec(line.trim()) ?? [];
  const bytes = Buffer.from(encoded, "base64");
  if (bytes.length !== 33 || bytes[0] !== ED25519) throw new Error(`not an Ed25519 verifier key: ${line.slice(0, 80)}`);
  const raw = bytes.subarray(1);
  if (keyIdOf(name, raw) !== keyId) throw new Error(`the id of verifier key ${name} is not that of its key`);
  return openVerifier(name, raw);
}

/**
 * @param text ends with a newline and holds no empty line
 * @returns the note: text, empty line, one line for each signature
 * @throws Error if a signer cannot sign, or gave what its own public key does not vouch for
 */
export async function signNote(text: string, signers: readonly NoteSigner[]): Promise<string> {
  const message = Buffer.from(text);
  const lines = await Promise.all(signers.map(async (signer) => {
    const signature = await signer.sign(message);
    if (!verify(null, message, signer.key, signature)) throw new Error(`the signature of ${signer.name} is not that of its key`);
    return `— ${signer.name} ${Buffer.concat([Buffer.from(signer.keyId, "hex"), signature]).toString("base64")}\n`;
  }));
  return `${text}\n${lines.join("")}`;
}

/** What a note says and which of the given keys signed it. Signatures of unknown keys are ignored. @throws Error if it is not a note */
export function readNote(note: string, verifiers: readonly NoteVerifier[]): { readonly text: string; readonly signedBy: readonly NoteVerifier[] } {
  const split = note.lastIndexOf("\n\n");
  if (split < 0 || !note.endsWith("\n")) throw new Error("not a signed note");
  const text = note.slice(0, split + 1);
  const signatures = note.slice(split + 2, -1).split("\n").map((line) => {
    const [, name = "", encoded = ""] = /^— (\S+) (\S+)$/.exec(line) ?? [];
    const bytes = Buffer.from(encoded, "base64");
    // One signature has one writing: a decoder overlooks bits that stand for nothing, and characters that are none.
    if (bytes.length < 5 || bytes.toString("base64") !== encoded) throw new Error("not a signature line of a note");
    return { name, keyId: bytes.toString("hex", 0, 4), signature: bytes.subarray(4) };
  });
  const signedBy = verifiers.filter((verifier) => signatures.some(({ name, keyId, signature }) =>
    name === verifier.name && keyId === verifier.keyId && verify(null, Buffer.from(text), verifier.key, signature)));
  return { text, signedBy };
}

function rawKey(key: KeyObject): Buffer {
  return key.export({ format: "der", type: "spki" }).subarray(SPKI_PREFIX.length);
}

function keyIdOf(name: string, raw: Buffer): string {
  return hash("sha256", Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519), raw]), "hex").slice(0, 8);
}
