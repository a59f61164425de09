import { createHmac, randomBytes, X509Certificate } from "node:crypto";
import forge from "node-forge";

/** Not a secret: a trust store holds nothing to keep. Java wants one to check the file by, and this is what everybody writes. */
export const TRUST_STORE_PASSWORD = "changeit";

const OID = {
  data: "1.2.840.113549.1.7.1",
  certBag: "1.2.840.113549.1.12.10.1.3",
  x509Certificate: "1.2.840.113549.1.9.22.1",
  friendlyName: "1.2.840.113549.1.9.20",
  /** Oracle's mark on an entry that is trusted; without it the JVM sees an empty store (JDK-8076190). */
  trustedKeyUsage: "2.16.840.1.113894.746875.1.1",
  anyExtendedKeyUsage: "2.5.29.37.0",
  sha1: "1.3.14.3.2.26",
} as const;

/** As many as keytool's default of this algorithm; the password is public, so that more would only cost time. */
const MAC_ITERATIONS = 1_024;
const MAC_KEY_PURPOSE = 3;
const MAC_BYTES = 20;

const { asn1 } = forge;
type Node = forge.asn1.Asn1;

/**
 * A PKCS#12 trust store (RFC 7292) of certificates for the JVM, integrity-protected by the password above. The structure is written here because
 * the library's own writer parses each certificate and knows no elliptic curves; what is inside goes in as it is.
 * @param certificates PEM
 */
export function trustStore(certificates: readonly string[]): Buffer {
  const bags = certificates.map((pem, index) => certificateBag(new X509Certificate(pem), `weir-${index}`));
  const content = toDer(sequence(contentInfo(toDer(sequence(...bags)))));
  return Buffer.from(toDer(sequence(integer(3), contentInfo(content), macData(content))), "latin1");
}

function certificateBag(certificate: X509Certificate, alias: string): Node {
  const value = sequence(oid(OID.x509Certificate), explicit(octets(certificate.raw.toString("latin1"))));
  return sequence(oid(OID.certBag), explicit(value), set(
    attribute(OID.friendlyName, bmpString(alias)),
    attribute(OID.trustedKeyUsage, oid(OID.anyExtendedKeyUsage)),
  ));
}

/** Left out of the library's types. */
interface KeyDerivation {
  generateKey(password: string, salt: forge.util.ByteStringBuffer, purpose: number, iterations: number, bytes: number): forge.util.ByteStringBuffer;
}

/** HMAC over the content with a key derived from the password (RFC 7292 appendix B). SHA-1, because every JVM reads it. */
function macData(content: string): Node {
  const salt = randomBytes(MAC_BYTES).toString("latin1");
  const { generateKey } = forge.pkcs12 as unknown as KeyDerivation;
  const key = generateKey(TRUST_STORE_PASSWORD, forge.util.createBuffer(salt), MAC_KEY_PURPOSE, MAC_ITERATIONS, MAC_BYTES);
  const mac = createHmac("sha1", Buffer.from(key.getBytes(), "latin1")).update(Buffer.from(content, "latin1")).digest("latin1");
  return sequence(sequence(sequence(oid(OID.sha1), nothing()), octets(mac)), octets(salt), integer(MAC_ITERATIONS));
}

function contentInfo(der: string): Node {
  return sequence(oid(OID.data), explicit(octets(der)));
}

function attribute(type: string, value: Node): Node {
  return sequence(oid(type), set(value));
}

function sequence(...children: Node[]): Node {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, children);
}

function set(...children: Node[]): Node {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SET, true, children);
}

function explicit(child: Node): Node {
  return asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0, true, [child]);
}

function oid(dotted: string): Node {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(dotted).getBytes());
}

function octets(bytes: string): Node {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OCTETSTRING, false, bytes);
}

function integer(value: number): Node {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.INTEGER, false, asn1.integerToDer(value).getBytes());
}

function nothing(): Node {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.NULL, false, "");
}

/** The library turns the text into two bytes a character itself. */
function bmpString(text: string): Node {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BMPSTRING, false, text);
}

function toDer(node: Node): string {
  return asn1.toDer(node).getBytes();
}
