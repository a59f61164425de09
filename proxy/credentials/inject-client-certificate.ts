import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import type { InjectChoice } from "./injection-config.ts";
import type { Injection } from "./injection.ts";
import { SourceError, valueOf, type Material } from "./secret-source.ts";

/**
 * Shows a client certificate where TLS is opened. Nothing of the key travels, so that there is nothing to look for in an answer.
 * @throws SourceError `malformed` if certificate and key are no pair
 */
export function injectClientCertificate(_inject: InjectChoice<"client-certificate">, material: Material): Injection {
  const certificatePem = valueOf(material, "certificate").reveal();
  const privateKeyPem = valueOf(material, "privateKey");
  if (!isPair(certificatePem, privateKeyPem.reveal())) throw new SourceError("malformed", "the client certificate and its key are no pair");
  return { clientCertificate: { fingerprint: createHash("sha256").update(certificatePem).digest("hex"), certificatePem, privateKeyPem }, toleratesRange: true, secrets: [] };
}

/** What the parsers say of a key that they cannot read may quote it: it is not passed on. */
function isPair(certificatePem: string, privateKeyPem: string): boolean {
  try {
    return new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(privateKeyPem));
  } catch {
    return false;
  }
}
