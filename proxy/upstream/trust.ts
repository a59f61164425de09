import { readFileSync } from "node:fs";
import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import { EXIT, UserError } from "../../common/exit-codes.ts";

/**
 * The one secure context of all connections to destinations: making one costs more than a handshake. Trusts the roots of the system (those
 * that come with Node if the system has none) and the given files; TLS 1.2 or newer.
 * @throws UserError naming the file that cannot be read or holds no certificate
 */
export function openTrust(extraCaFiles: readonly string[]): SecureContext {
  const system = getCACertificates("system");
  const roots = system.length > 0 ? system : getCACertificates("bundled");
  return createSecureContext({ ca: [...roots, ...extraCaFiles.map(readRoots)], minVersion: "TLSv1.2" });
}

/** Trusts the CAs in this text and no other. @throws Error if it holds none */
export function trustOnly(caPem: string): SecureContext {
  if (!caPem.includes("-----BEGIN CERTIFICATE-----")) throw new Error("no PEM certificate in it");
  return createSecureContext({ ca: caPem, minVersion: "TLSv1.2" });
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
