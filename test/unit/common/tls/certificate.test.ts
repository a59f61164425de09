import { createPublicKey, generateKeyPairSync, X509Certificate, type KeyObject } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  alternativeAddress, alternativeDnsNames, authorityKeyId, basicConstraintsCa, basicConstraintsLeaf, commonName, keyIdOf, keyUsageCa, keyUsageLeaf, serverAuth,
  signCertificate, subjectKeyId, type Signer,
} from "../../../../common/tls/certificate.ts";

const NOT_BEFORE = Date.UTC(2026, 0);
const NOT_AFTER = Date.UTC(2060, 0);
const KEYS = {
  "P-256": () => generateKeyPairSync("ec", { namedCurve: "P-256" }), "P-384": () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  RSA: () => generateKeyPairSync("rsa", { modulusLength: 2_048 }),
} as const;
const leafKey = KEYS["P-256"]().publicKey;

function signerOf(key: KeyObject): Signer {
  return { name: commonName("Test CA"), keyId: keyIdOf(createPublicKey(key)), key };
}

function aLeaf(signer: Signer, extensions: readonly Buffer[] = []): X509Certificate {
  const standard = [basicConstraintsLeaf(), keyUsageLeaf(), serverAuth(), subjectKeyId(keyIdOf(leafKey)), authorityKeyId(signer.keyId)];
  const subject = commonName("api.example.com");
  const times = { notBeforeMs: NOT_BEFORE, notAfterMs: NOT_AFTER };
  return new X509Certificate(signCertificate({ subject, publicKey: leafKey, ...times, extensions: [...standard, ...extensions] }, signer));
}

describe("a certificate", () => {
  test.each(["P-256", "P-384", "RSA"] as const)("signed by a CA of %s is of that CA and of no other", (kind) => {
    const { publicKey, privateKey } = KEYS[kind]();
    const leaf = aLeaf(signerOf(privateKey));
    expect(leaf.verify(publicKey)).toBe(true);
    expect(leaf.verify(KEYS[kind]().publicKey)).toBe(false);
  });

  test("says its names, its times and what it is for, and that it signs nothing", () => {
    const leaf = aLeaf(signerOf(KEYS["P-256"]().privateKey), [alternativeDnsNames(["api.example.com", "www.example.com"], false)]);
    expect(leaf.subject).toBe("CN=api.example.com");
    expect(leaf.issuer).toBe("CN=Test CA");
    expect(leaf.subjectAltName).toBe("DNS:api.example.com, DNS:www.example.com");
    expect([leaf.validFromDate, leaf.validToDate]).toEqual([new Date(NOT_BEFORE), new Date(NOT_AFTER)]);
    expect(leaf.ca).toBe(false);
    expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(leaf.checkHost("www.example.com")).toBe("www.example.com");
    expect(leaf.checkHost("evil.example.com")).toBeUndefined();
  });

  test.each([["203.0.113.7", "cb007107"], ["2001:db8::7", "20010db8000000000000000000000007"]])("can be for the address %s", (text, bytes) => {
    const leaf = aLeaf(signerOf(KEYS["P-256"]().privateKey), [alternativeAddress(Buffer.from(bytes, "hex"))]);
    expect(leaf.checkIP(text)).toBe(text);
    expect(leaf.checkIP("203.0.113.8")).toBeUndefined();
  });

  test("has a serial number that no other has: positive and at most 20 octets", () => {
    const signer = signerOf(KEYS["P-256"]().privateKey);
    const serials = Array.from({ length: 20 }, () => aLeaf(signer).serialNumber);
    expect(new Set(serials).size).toBe(20);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  test("of a CA says that it is one", () => {
    const { publicKey, privateKey } = KEYS["P-256"]();
    const extensions = [basicConstraintsCa(), keyUsageCa(), subjectKeyId(keyIdOf(publicKey))];
    const signer = signerOf(privateKey);
    const pem = signCertificate({ subject: signer.name, publicKey, notBeforeMs: NOT_BEFORE, notAfterMs: NOT_AFTER, extensions }, signer);
    const ca = new X509Certificate(pem);
    expect(ca.ca).toBe(true);
    expect(aLeaf(signer).checkIssued(ca)).toBe(true);
  });

  test("is signed by no key of another kind", () => {
    expect(() => aLeaf(signerOf(generateKeyPairSync("ed25519").privateKey))).toThrow(TypeError);
  });
});
