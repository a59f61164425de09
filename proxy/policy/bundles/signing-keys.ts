import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";

/** What a key signs with. Chosen by the key that is configured, never by the token that is to be checked (RFC 8725 §3.1). */
export type SigningAlgorithm = "EdDSA" | "ES256" | "RS256";

/** A key whose signature on a bundle counts, or one that makes it. */
export interface SigningKey {
  readonly key: KeyObject;
  readonly algorithm: SigningAlgorithm;
}

/** Below this RSA is broken within reach (NIST SP 800-57). */
const RSA_LEAST_BITS = 2_048;

/**
 * Reads a public key: PEM (SPKI) or a certificate.
 * @throws Error if it is none, if it is a private one (which has no business on a machine that only checks), or of a kind that signs no bundles
 */
export function readPublicKey(pem: string): SigningKey {
  if (pem.includes("PRIVATE KEY-----")) throw new Error("it is a private key; keep that where bundles are signed, and give the public one");
  return withAlgorithm(parsed(() => createPublicKey(pem), "it holds no public key in PEM"));
}

/** Reads a private key: PEM (PKCS #8), without a passphrase. @throws Error if it is none, or of a kind that signs no bundles */
export function readPrivateKey(pem: string): SigningKey {
  return withAlgorithm(parsed(() => createPrivateKey(pem), "it holds no private key in PEM without a passphrase"));
}

function withAlgorithm(key: KeyObject): SigningKey {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === "ed25519") return { key, algorithm: "EdDSA" };
  if (key.asymmetricKeyType === "ec" && namedCurve === "prime256v1") return { key, algorithm: "ES256" };
  if (key.asymmetricKeyType === "rsa" && modulusLength >= RSA_LEAST_BITS) return { key, algorithm: "RS256" };
  throw new Error(`its kind signs no bundles; Ed25519 does (\`weir policy keygen\`), and so do P-256 and RSA of ${RSA_LEAST_BITS} bits or more`);
}

function parsed(parse: () => KeyObject, otherwise: string): KeyObject {
  try {
    return parse();
  } catch {
    // The parser's words may quote what it read.
    throw new Error(otherwise);
  }
}
