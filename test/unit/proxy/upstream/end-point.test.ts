import { createHash, X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { serverEndPoint } from "../../../../proxy/upstream/end-point.ts";
import { mintAuthority } from "../../../support/tls-authority.ts";

const { certPem } = await (await mintAuthority()).leaf(["db.example.test"]);
const certificate = new X509Certificate(certPem);

/** The certificate's bytes under the name of another signature. */
const signedWith = (oid: string) => Object.create(certificate, { signatureAlgorithmOid: { value: oid }, raw: { value: certificate.raw } }) as X509Certificate;

test("a certificate is hashed as it is signed", () => {
  expect(serverEndPoint(certificate)).toEqual(createHash("sha256").update(certificate.raw).digest());
});

test.each([["1.2.840.10045.4.3.3", "sha384"], ["1.2.840.113549.1.1.13", "sha512"], ["1.2.840.113549.1.1.5", "sha256"]])("with %s it is hashed by %s (RFC 5929 §4.1)", (oid, hash) => {
  expect(serverEndPoint(signedWith(oid))).toEqual(createHash(hash).update(certificate.raw).digest());
});

test.each(["1.3.101.112", "1.2.840.113549.1.1.10"])("with %s there is nothing to bind to", (oid) => {
  expect(serverEndPoint(signedWith(oid))).toBe(null);
});
