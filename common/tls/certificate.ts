import { createHash, randomBytes, sign, type KeyObject } from "node:crypto";
import { bits, constructed, integer, nothing, octets, oid, primitive, sequence, set, time, utf8, yes } from "./der.ts";

/** Who signs: the name and key id that issued certificates point to (RFC 5280 §4.1.2.4, §4.2.1.1). */
export interface Signer {
  /** Distinguished name, DER. */
  readonly name: Buffer;
  readonly keyId: Buffer;
  readonly key: KeyObject;
}

export interface Certificate {
  /** Distinguished name, DER; empty is legal if the subject's alternative name is critical. */
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** DER, each. */
  readonly extensions: readonly Buffer[];
}

const VERSION_3 = constructed(0, integer(Buffer.from([2])));
const ECDSA_SHA256 = { hash: "sha256", algorithm: sequence(oid("1.2.840.10045.4.3.2")) } as const;
const ECDSA_SHA384 = { hash: "sha384", algorithm: sequence(oid("1.2.840.10045.4.3.3")) } as const;
const RSA_SHA256 = { hash: "sha256", algorithm: sequence(oid("1.2.840.113549.1.1.11"), nothing()) } as const;

/** Signs a certificate (RFC 5280 §4.1). @returns PEM @throws TypeError for a key that is neither P-256, P-384 nor RSA */
export function signCertificate(certificate: Certificate, signer: Signer): string {
  const { hash, algorithm } = signatureOf(signer.key);
  const body = sequence(
    VERSION_3, integer(newSerial()), algorithm, signer.name,
    sequence(time(certificate.notBeforeMs), time(certificate.notAfterMs)),
    certificate.subject, publicKeyInfo(certificate.publicKey),
    constructed(3, sequence(...certificate.extensions)),
  );
  return toPem(sequence(body, algorithm, bits(sign(hash, body, signer.key))));
}

function signatureOf(key: KeyObject): { hash: string; algorithm: Buffer } {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve === "prime256v1") return ECDSA_SHA256;
  if (curve === "secp384r1") return ECDSA_SHA384;
  if (key.asymmetricKeyType === "rsa") return RSA_SHA256;
  throw new TypeError(`a CA key of type ${key.asymmetricKeyType ?? "?"} ${curve ?? ""} is not supported`);
}

/** 16 random bytes, positive and without a leading zero: at most 20 octets are allowed (RFC 5280 §4.1.2.2). */
function newSerial(): Buffer {
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0);
  return serial;
}

/** RFC 7093 §2 method 1: the first 160 bits of SHA-256 over the key. */
export function keyIdOf(publicKey: KeyObject): Buffer {
  return createHash("sha256").update(publicKeyInfo(publicKey)).digest().subarray(0, 20);
}

/** A name with one common name in it, or an empty one. */
export function commonName(text: string | null): Buffer {
  return text === null ? sequence() : sequence(set(sequence(oid("2.5.4.3"), utf8(text))));
}

export const basicConstraintsCa = (): Buffer => extension("2.5.29.19", sequence(yes(), integer(Buffer.from([0]))), true);
/** keyCertSign and cRLSign. */
export const keyUsageCa = (): Buffer => extension("2.5.29.15", bits(Buffer.from([0b0000_0110]), 1), true);
/** digitalSignature. */
export const keyUsageLeaf = (): Buffer => extension("2.5.29.15", bits(Buffer.from([0b1000_0000]), 7), true);
export const basicConstraintsLeaf = (): Buffer => extension("2.5.29.19", sequence(), true);
export const serverAuth = (): Buffer => extension("2.5.29.37", sequence(oid("1.3.6.1.5.5.7.3.1")));
export const subjectKeyId = (keyId: Buffer): Buffer => extension("2.5.29.14", octets(keyId));
export const authorityKeyId = (keyId: Buffer): Buffer => extension("2.5.29.35", sequence(primitive(0, keyId)));
export const alternativeDnsName = (name: string, isCritical: boolean): Buffer => alternativeDnsNames([name], isCritical);
export const alternativeDnsNames = (names: readonly string[], isCritical: boolean): Buffer =>
  extension("2.5.29.17", sequence(...names.map((name) => primitive(2, Buffer.from(name, "latin1")))), isCritical);
export const alternativeAddress = (address: Buffer): Buffer => extension("2.5.29.17", sequence(primitive(7, address)));

function extension(id: string, value: Buffer, isCritical = false): Buffer {
  return isCritical ? sequence(oid(id), yes(), octets(value)) : sequence(oid(id), octets(value));
}

function publicKeyInfo(key: KeyObject): Buffer {
  return key.export({ format: "der", type: "spki" });
}

function toPem(der: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${der.toString("base64").replaceAll(/.{64}(?=.)/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
}
