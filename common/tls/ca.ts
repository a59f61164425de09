import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import {
  alternativeDnsNames, authorityKeyId, basicConstraintsCa, basicConstraintsLeaf, commonName, keyIdOf, keyUsageCa, keyUsageLeaf, serverAuth, signCertificate,
  subjectKeyId, type Signer,
} from "./certificate.ts";
import { readElements, type Element } from "./der.ts";

/** A certificate and its key, both PEM. */
export interface PemPair {
  readonly certPem: string;
  readonly keyPem: string;
}

/** A CA that can sign, read back from its PEM. */
export interface SigningCa extends Signer {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const CA_BACKDATE_MS = 86_400_000;
const LEAF_BACKDATE_MS = 3_600_000;
const SUBJECT_KEY_ID = Buffer.from([0x55, 0x1d, 0x0e]);
const EXTENSIONS_TAG = 0xa3;

/** A new private key, ECDSA P-256, PKCS#8 PEM. */
export function newPrivateKey(): string {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "pem", type: "pkcs8" }).toString();
}

/**
 * A CA certificate for this key, signed by itself, valid from yesterday on.
 * @param label what people see it by; the first digits of the key's id are added
 * @returns PEM
 */
export function selfSignedCa(label: string, keyPem: string, validity: { readonly nowMs: number; readonly lifetimeMs: number }): string {
  const key = createPrivateKey(keyPem);
  const publicKey = createPublicKey(key);
  const keyId = keyIdOf(publicKey);
  const name = commonName(`${label} ${keyId.toString("hex").slice(0, 8)}`);
  const certificate = {
    subject: name, publicKey, notBeforeMs: validity.nowMs - CA_BACKDATE_MS, notAfterMs: validity.nowMs + validity.lifetimeMs,
    extensions: [basicConstraintsCa(), keyUsageCa(), subjectKeyId(keyId)],
  };
  return signCertificate(certificate, { name, keyId, key });
}

/** @throws Error if it is no CA certificate, not of this key, has expired, or has no key id */
export function readSigningCa({ certPem, keyPem }: PemPair, nowMs: number): SigningCa {
  const certificate = new X509Certificate(certPem);
  const key = createPrivateKey(keyPem);
  const notAfterMs = Date.parse(certificate.validTo);
  if (!certificate.ca) throw new Error("it is no CA certificate");
  if (!certificate.checkPrivateKey(key)) throw new Error("the key is another certificate's");
  if (notAfterMs <= nowMs) throw new Error(`it expired on ${certificate.validTo}`);
  return { ...readNames(certificate.raw), key, notBeforeMs: Date.parse(certificate.validFrom), notAfterMs };
}

/**
 * A server's certificate with a key of its own, valid from an hour ago on, never longer than its CA.
 * @param names DNS names, at least one; the first is its common name, too
 */
export function issueServerCertificate(names: readonly string[], ca: SigningCa, validity: { readonly nowMs: number; readonly lifetimeMs: number }): PemPair {
  const keyPem = newPrivateKey();
  const publicKey = createPublicKey(keyPem);
  const certPem = signCertificate({
    subject: commonName(names[0] ?? null), publicKey,
    notBeforeMs: validity.nowMs - LEAF_BACKDATE_MS, notAfterMs: Math.min(validity.nowMs + validity.lifetimeMs, ca.notAfterMs),
    extensions: [
      basicConstraintsLeaf(), keyUsageLeaf(), serverAuth(), subjectKeyId(keyIdOf(publicKey)), authorityKeyId(ca.keyId), alternativeDnsNames(names, false),
    ],
  }, ca);
  return { certPem, keyPem };
}

/** Subject and subject key id as they stand: issued certificates must repeat them byte for byte. */
function readNames(raw: Buffer): { name: Buffer; keyId: Buffer } {
  const fields = readElements(contentOf(readElements(contentOf(readElements(raw)[0]))[0]));
  const subject = fields[5];
  const extensions = readElements(contentOf(readElements(contentOf(fields.find(({ tag }) => tag === EXTENSIONS_TAG)))[0]));
  const keyId = extensions.map(({ content }) => readElements(content)).find(([id]) => id?.content.equals(SUBJECT_KEY_ID) === true)?.at(-1);
  if (keyId === undefined) throw new Error("it has no subject key identifier, which strict clients ask for");
  if (subject === undefined) throw new Error("it has no subject");
  return { name: Buffer.from(subject.whole), keyId: Buffer.from(contentOf(readElements(keyId.content)[0])) };
}

function contentOf(element: Element | undefined): Buffer {
  if (element === undefined) throw new Error("it is not as RFC 5280 says");
  return element.content;
}
