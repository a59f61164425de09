import "./reflect-metadata.ts";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import type { Clock } from "../../common/clock.ts";
import type { CertificateSigner } from "../../proxy/model/certificate-signer.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const YEAR_MS = 365 * 86_400_000;

/** A root of the tests that signs intermediates as a PKI engine does, and can be taken away. */
export interface TestSigner extends CertificateSigner {
  readonly rootPem: string;
  /** Requests that it was given, PEM. */
  readonly requests: readonly string[];
  isDown: boolean;
  /** Leaves the root out of what it gives. */
  isChainCut: boolean;
}

export async function openSigner(clock: Clock, name = "Root of the test"): Promise<TestSigner> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const common = { signingAlgorithm: ALGORITHM, notBefore: new Date(clock.nowMs() - 86_400_000) };
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...common, name: `CN=${name}`, keys, notAfter: new Date(clock.nowMs() + 10 * YEAR_MS),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const rootPem = `${root.toString("pem")}\n`;
  const requests: string[] = [];
  const signer: TestSigner = {
    describe: "vault:pki/root/sign-intermediate", rootPem, requests, isDown: false, isChainCut: false,
    signIntermediate: async (requestPem, { commonName, lifetimeMs }) => {
      requests.push(requestPem);
      if (signer.isDown) throw new Error("sealed: Vault answered 503");
      const request = new x509.Pkcs10CertificateRequest(requestPem);
      if (!await request.verify()) throw new Error("the request is not signed by its key");
      const signed = await x509.X509CertificateGenerator.create({
        ...common, subject: `CN=${commonName}`, issuer: root.subjectName, publicKey: request.publicKey, signingKey: keys.privateKey,
        notBefore: new Date(clock.nowMs() - 30_000), notAfter: new Date(clock.nowMs() + lifetimeMs),
        extensions: [
          new x509.BasicConstraintsExtension(true, 0, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
          await x509.SubjectKeyIdentifierExtension.create(request.publicKey), await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
        ],
      });
      return `${signed.toString("pem")}\n${signer.isChainCut ? "" : rootPem}`;
    },
  };
  return signer;
}
