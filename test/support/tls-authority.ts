import "./reflect-metadata.ts";
import { createHash, randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";

/** A certificate and its key, both PEM. */
export interface PemPair {
  readonly certPem: string;
  readonly keyPem: string;
}

/** What a leaf deviates in, for the refusing twins. */
export interface LeafOptions {
  /** Default an hour ago. */
  readonly notBefore?: Date;
  /** Default in a day. */
  readonly notAfter?: Date;
}

/** A CA of the tests: stands for the public CA of a destination, or for the boundary's own. ECDSA P-256 throughout. */
export interface TestAuthority {
  readonly caPem: string;
  readonly caKeyPem: string;
  /** A server leaf valid for exactly these names (DNS names or IP literals), with the CA behind it in `certPem`. */
  leaf(names: readonly string[], options?: LeafOptions): Promise<PemPair>;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Mints a CA that passes `openssl verify -x509_strict` and Python's VERIFY_X509_STRICT (RFC 5280 §4.2.1). */
export async function mintAuthority(commonName = "Weir test CA"): Promise<TestAuthority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(), name: `CN=${commonName}`, keys, signingAlgorithm: ALGORITHM,
    notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + 30 * DAY_MS),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const caPem = pem(ca);
  const leaf = async (names: readonly string[], options: LeafOptions = {}) => mintLeaf({ ca, caPem, caKey: keys.privateKey }, names, options);
  return { caPem, caKeyPem: await keyPem(keys.privateKey), leaf };
}

interface Issuer {
  readonly ca: x509.X509Certificate;
  readonly caPem: string;
  readonly caKey: webcrypto.CryptoKey;
}

async function mintLeaf(issuer: Issuer, names: readonly string[], options: LeafOptions): Promise<PemPair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(), subject: `CN=${names[0] ?? "leaf"}`, issuer: issuer.ca.subjectName,
    publicKey: keys.publicKey, signingKey: issuer.caKey, signingAlgorithm: ALGORITHM,
    notBefore: options.notBefore ?? new Date(Date.now() - HOUR_MS), notAfter: options.notAfter ?? new Date(Date.now() + DAY_MS),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map((name) => ({ type: isIP(name) === 0 ? "dns" : "ip", value: name }))),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.ca.publicKey),
    ],
  });
  return { certPem: pem(certificate) + issuer.caPem, keyPem: await keyPem(keys.privateKey) };
}

/** Positive and at most 20 octets (RFC 5280 §4.1.2.2). */
function serial(): string {
  const bytes = createHash("sha256").update(randomBytes(16)).digest().subarray(0, 16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f | 0x40;
  return bytes.toString("hex");
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString("pem").trim()}\n`;
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY").trim()}\n`;
}
