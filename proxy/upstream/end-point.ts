import { createHash, type X509Certificate } from "node:crypto";

/** Hash functions of certificate signatures, by OID (RFC 3279, RFC 4055, RFC 5758); MD5 and SHA-1 count as SHA-256 (RFC 5929 §4.1). */
const HASH_OF_SIGNATURE: Readonly<Record<string, string>> = {
  "1.2.840.113549.1.1.4": "sha256",
  "1.2.840.113549.1.1.5": "sha256",
  "1.2.840.113549.1.1.11": "sha256",
  "1.2.840.113549.1.1.12": "sha384",
  "1.2.840.113549.1.1.13": "sha512",
  "1.2.840.10045.4.1": "sha256",
  "1.2.840.10045.4.3.2": "sha256",
  "1.2.840.10045.4.3.3": "sha384",
  "1.2.840.10045.4.3.4": "sha512",
};

/** What `tls-server-end-point` binds to (RFC 5929 §4.1); null for a signature with no hash of its own, such as Ed25519. */
export function serverEndPoint(certificate: X509Certificate): Buffer | null {
  const hash = HASH_OF_SIGNATURE[certificate.signatureAlgorithmOid ?? ""];
  return hash === undefined ? null : createHash(hash).update(certificate.raw).digest();
}
