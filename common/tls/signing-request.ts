import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { commonName } from "./certificate.ts";
import { bits, constructed, integer, oid, sequence } from "./der.ts";

const VERSION_1 = integer(Buffer.from([0]));
const ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));

/**
 * Asks a CA for a certificate of this key (RFC 2986 §4): only the public half is in it, and the proof that the other is held.
 * @param keyPem ECDSA P-256
 * @returns PEM
 */
export function certificateSigningRequest(subject: string, keyPem: string): string {
  const key = createPrivateKey(keyPem);
  const publicKey = createPublicKey(key).export({ format: "der", type: "spki" });
  const body = sequence(VERSION_1, commonName(subject), publicKey, constructed(0, Buffer.alloc(0)));
  const der = sequence(body, ECDSA_SHA256, bits(sign("sha256", body, key)));
  return `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64").replaceAll(/.{64}(?=.)/g, "$&\n")}\n-----END CERTIFICATE REQUEST-----\n`;
}
