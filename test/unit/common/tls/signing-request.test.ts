import "../../../support/reflect-metadata.ts";
import { createPublicKey } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { describe, expect, test } from "vitest";
import { newPrivateKey } from "../../../../common/tls/ca.ts";
import { certificateSigningRequest } from "../../../../common/tls/signing-request.ts";

describe("a certificate signing request", () => {
  test("names the subject, holds the public half of the key, and is signed with the other", async () => {
    const keyPem = newPrivateKey();
    const request = new x509.Pkcs10CertificateRequest(certificateSigningRequest("ada.agents.example.test", keyPem));
    const publicKey = createPublicKey(keyPem).export({ format: "der", type: "spki" });
    expect([request.subject, await request.verify(), Buffer.from(request.publicKey.rawData).equals(publicKey)]).toEqual(["CN=ada.agents.example.test", true, true]);
  });

  test("is not valid once a byte of it is another", async () => {
    const pem = certificateSigningRequest("ada", newPrivateKey());
    const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\n/g, ""), "base64");
    const changed = Buffer.from(der);
    changed.writeUInt8(changed.readUInt8(der.indexOf("ada")) ^ 1, der.indexOf("ada"));
    expect(await new x509.Pkcs10CertificateRequest(changed).verify()).toBe(false);
  });
});
