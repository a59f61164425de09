import "../reflect-metadata.ts";
import { randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";
import type { PemPair } from "../tls-authority.ts";

/** The CA of a cluster of the tests: servers, and users by client certificate. ECDSA P-256; valid for a day. */
export interface ClusterAuthority {
  readonly caPem: string;
  readonly caKeyPem: string;
  server(names: readonly string[]): Promise<PemPair>;
  /** Kubernetes takes the common name as user and the organisations as groups. */
  client(user: string, groups?: readonly string[]): Promise<PemPair>;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export async function mintClusterAuthority(): Promise<ClusterAuthority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(), name: "CN=kubernetes-of-the-test", keys, signingAlgorithm: ALGORITHM, notBefore: new Date(Date.now() - HOUR_MS), notAfter: new Date(Date.now() + DAY_MS),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const sign = async (subject: x509.JsonName, extensions: readonly x509.Extension[]): Promise<PemPair> => {
    const own = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial(), subject, issuer: ca.subjectName, publicKey: own.publicKey, signingKey: keys.privateKey, signingAlgorithm: ALGORITHM,
      notBefore: new Date(Date.now() - HOUR_MS), notAfter: new Date(Date.now() + DAY_MS),
      extensions: [...extensions, await x509.AuthorityKeyIdentifierExtension.create(ca.publicKey)],
    });
    return { certPem: pem(certificate), keyPem: await privatePem(own.privateKey) };
  };
  return {
    caPem: pem(ca),
    caKeyPem: await privatePem(keys.privateKey),
    server: async (names) => sign([{ CN: [names[0] ?? "server"] }], [
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map((name) => ({ type: isIP(name) === 0 ? "dns" : "ip", value: name }))),
    ]),
    client: async (user, groups = []) => sign([...groups.map((group) => ({ O: [group] })), { CN: [user] }], [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])]),
  };
}

/** Key pair of the service account tokens, RSA as most clusters have it. */
export async function mintTokenKeys(): Promise<{ readonly privatePem: string; readonly publicPem: string }> {
  const algorithm = { name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const publicPem = `${x509.PemConverter.encode(await webcrypto.subtle.exportKey("spki", keys.publicKey), "PUBLIC KEY").trim()}\n`;
  return { privatePem: await privatePem(keys.privateKey), publicPem };
}

/** Positive and at most 20 octets (RFC 5280 §4.1.2.2). */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f | 0x40;
  return bytes.toString("hex");
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString("pem").trim()}\n`;
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY").trim()}\n`;
}
