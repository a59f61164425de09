import { join } from "node:path";
import { systemClock, type Clock } from "../../common/clock.ts";
import { readConfigFile } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { readOrMakePrivateFile } from "../../common/private-file.ts";
import { newPrivateKey, readSigningCa, selfSignedCa } from "../../common/tls/ca.ts";
import type { Signer } from "../../common/tls/certificate.ts";
import type { TlsConfig } from "./config.ts";

/** A CA that signs leaves. */
export interface Ca extends Signer {
  /** What agents must trust: the last certificate of the file, which is the only one of a CA of our own. */
  readonly caPem: string;
  /** What servers send behind the leaf: the signing CA, unless it is what agents trust. */
  readonly chainPem: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const OWN_LIFETIME_MS = 10 * 365 * 86_400_000;
export const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g;

/** Where a CA that another authority signs is kept. */
export interface IntermediateFiles {
  readonly key: string;
  readonly chain: string;
}

export function intermediateFiles(stateDirectory: string): IntermediateFiles {
  return { key: join(stateDirectory, "ca", "intermediate-key.pem"), chain: join(stateDirectory, "ca", "intermediate.pem") };
}

/**
 * Opens the CA for interception: the operator's if configured, else one of our own, ECDSA P-256, made on first use under
 * `ca/` of the state directory (mode 0600). One that another authority signs is only read: `IntermediateCa` has it signed.
 * @throws UserError if it cannot be read, does not match its key, may not sign, or has expired
 */
export async function openCa(stateDirectory: string, config: Pick<TlsConfig, "caCertFile" | "caKeyFile" | "intermediate"> = {}, clock: Clock = systemClock): Promise<Ca> {
  if (config.caCertFile !== undefined && config.caKeyFile !== undefined) {
    return readCa(config.caCertFile, readConfigFile(config.caCertFile), readConfigFile(config.caKeyFile), clock);
  }
  if (config.intermediate !== undefined) {
    const { chain, key } = intermediateFiles(stateDirectory);
    return readCa(chain, readConfigFile(chain), readConfigFile(key), clock);
  }
  const folder = join(stateDirectory, "ca");
  const certificateFile = join(folder, "ca.pem");
  const keyPem = await readOrMakePrivateFile(join(folder, "ca-key.pem"), async () => newPrivateKey());
  const certificatePem = await readOrMakePrivateFile(certificateFile, async () => selfSignedCa("Weir interception CA", keyPem, { nowMs: clock.nowMs(), lifetimeMs: OWN_LIFETIME_MS }));
  return readCa(certificateFile, certificatePem, keyPem, clock);
}

/** @param certificatesPem the CA's, then those above it; the last is what agents must trust @throws UserError */
export function readCa(path: string, certificatesPem: string, keyPem: string, clock: Clock): Ca {
  const hint = "Give a CA certificate that may sign, with its own key; or remove both settings and have one made.";
  try {
    const pems = certificatesPem.match(CERTIFICATES) ?? [];
    const [signing = "", ...above] = pems;
    const ca = readSigningCa({ certPem: signing, keyPem }, clock.nowMs());
    return { ...ca, caPem: above.at(-1) ?? signing, chainPem: above.length === 0 ? "" : [signing, ...above.slice(0, -1)].join("") };
  } catch (error) {
    throw new UserError(`cannot use the CA certificate ${path}: ${(error as Error).message}`, hint, EXIT.config, { cause: error });
  }
}
