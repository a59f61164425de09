import { readFileSync } from "node:fs";
import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { EgressError } from "../errors.ts";
import type { ClientCertificate } from "../model/loan.ts";

/** Whom connections to destinations trust, TLS 1.2 or newer. One secure context for all of them: making one costs more than a handshake. */
export class Trust {
  readonly context: SecureContext;
  readonly #roots: readonly string[];
  /** As long as the certificate is lent, and no longer. */
  readonly #showing = new WeakMap<ClientCertificate, SecureContext>();

  /** @param roots PEM @throws Error if one of them cannot be read */
  constructor(roots: readonly string[]) {
    this.#roots = roots;
    this.context = createSecureContext({ ca: [...roots], minVersion: "TLSv1.2" });
  }

  /** The same trust, with a certificate to show. @throws EgressError `credential.unavailable` if the pair is none */
  showing(certificate: ClientCertificate): SecureContext {
    let context = this.#showing.get(certificate);
    if (context !== undefined) return context;
    try {
      context = createSecureContext({ ca: [...this.#roots], cert: certificate.certificatePem, key: certificate.privateKeyPem.reveal(), minVersion: "TLSv1.2" });
    } catch {
      // Without its cause: that may quote the key.
      throw new EgressError("credential.unavailable", "the client certificate and its key are no pair");
    }
    this.#showing.set(certificate, context);
    return context;
  }
}

/**
 * Trusts the roots of the system (those that come with Node if the system has none) and the given files.
 * @throws UserError naming the file that cannot be read or holds no certificate
 */
export function openTrust(extraCaFiles: readonly string[]): Trust {
  const system = getCACertificates("system");
  const roots = system.length > 0 ? system : getCACertificates("bundled");
  return new Trust([...roots, ...extraCaFiles.map(readRoots)]);
}

/** Trusts the CAs in this text and no other. @throws Error if it holds none */
export function trustOnly(caPem: string): Trust {
  if (!caPem.includes("-----BEGIN CERTIFICATE-----")) throw new Error("no PEM certificate in it");
  return new Trust([caPem]);
}

function readRoots(path: string): string {
  try {
    const pem = readFileSync(path, "utf8");
    if (!pem.includes("-----BEGIN CERTIFICATE-----")) throw new Error("no PEM certificate in it");
    createSecureContext({ ca: pem });
    return pem;
  } catch (error) {
    throw new UserError(`cannot read upstream.extraCaFiles: ${path}: ${(error as Error).message}`, "Name PEM files that hold the roots to trust.", EXIT.config, { cause: error });
  }
}
