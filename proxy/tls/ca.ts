import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { systemClock, type Clock } from "../../common/clock.ts";
import { readConfigFile } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { readOrMakePrivateFile } from "../../common/private-file.ts";
import { basicConstraintsCa, commonName, keyIdOf, keyUsageCa, signCertificate, subjectKeyId, type Signer } from "./certificate.ts";
import type { TlsConfig } from "./config.ts";
import { readElements, type Element } from "./der.ts";

/** A CA that signs leaves. */
export interface Ca extends Signer {
  /** What agents must trust: the last certificate of the file, which is the only one of a CA of our own. */
  readonly caPem: string;
  /** What servers send behind the leaf: the signing CA, unless it is what agents trust. */
  readonly chainPem: string;
  readonly notAfterMs: number;
}

const OWN_LIFETIME_MS = 10 * 365 * 86_400_000;
const BACKDATE_MS = 86_400_000;
const SUBJECT_KEY_ID = Buffer.from([0x55, 0x1d, 0x0e]);
const EXTENSIONS_TAG = 0xa3;
const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g;

/**
 * Opens the CA for interception: the operator's if configured, else one of our own, ECDSA P-256, made on first use under
 * `ca/` of the state directory (mode 0600).
 * @throws UserError if it cannot be read, does not match its key, may not sign, or has expired
 */
export async function openCa(stateDirectory: string, config: Pick<TlsConfig, "caCertFile" | "caKeyFile"> = {}, clock: Clock = systemClock): Promise<Ca> {
  if (config.caCertFile !== undefined && config.caKeyFile !== undefined) {
    return readCa(config.caCertFile, readConfigFile(config.caCertFile), readConfigFile(config.caKeyFile), clock);
  }
  const folder = join(stateDirectory, "ca");
  const certificateFile = join(folder, "ca.pem");
  const keyPem = await readOrMakePrivateFile(join(folder, "ca-key.pem"), async () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "pem", type: "pkcs8" }).toString());
  const certificatePem = await readOrMakePrivateFile(certificateFile, async () => signOwn(createPrivateKey(keyPem), clock.nowMs()));
  return readCa(certificateFile, certificatePem, keyPem, clock);
}

function signOwn(key: KeyObject, nowMs: number): string {
  const publicKey = createPublicKey(key);
  const keyId = keyIdOf(publicKey);
  const name = commonName(`Weir interception CA ${keyId.toString("hex").slice(0, 8)}`);
  const certificate = {
    subject: name, publicKey, notBeforeMs: nowMs - BACKDATE_MS, notAfterMs: nowMs + OWN_LIFETIME_MS,
    extensions: [basicConstraintsCa(), keyUsageCa(), subjectKeyId(keyId)],
  };
  return signCertificate(certificate, { name, keyId, key });
}

function readCa(path: string, certificatesPem: string, keyPem: string, clock: Clock): Ca {
  const hint = "Give a CA certificate that may sign, with its own key; or remove both settings and have one made.";
  try {
    const pems = certificatesPem.match(CERTIFICATES) ?? [];
    const [signing = "", ...above] = pems;
    const certificate = new X509Certificate(signing);
    const key = createPrivateKey(keyPem);
    const notAfterMs = Date.parse(certificate.validTo);
    if (!certificate.ca) throw new Error("it is no CA certificate");
    if (!certificate.checkPrivateKey(key)) throw new Error("the key is another certificate's");
    if (notAfterMs <= clock.nowMs()) throw new Error(`it expired on ${certificate.validTo}`);
    const { name, keyId } = readNames(certificate.raw);
    return { name, keyId, key, notAfterMs, caPem: above.at(-1) ?? signing, chainPem: above.length === 0 ? "" : [signing, ...above.slice(0, -1)].join("") };
  } catch (error) {
    throw new UserError(`cannot use the CA certificate ${path}: ${(error as Error).message}`, hint, EXIT.config, { cause: error });
  }
}

/** Subject and subject key id as they stand: issued certificates must repeat them byte for byte. */
function readNames(raw: Buffer): { name: Buffer; keyId: Buffer } {
  const fields = readElements(contentOf(readElements(contentOf(readElements(raw)[0]))[0]));
  const subject = fields[5];
  const extensions = readElements(contentOf(readElements(contentOf(fields.find(({ tag }) => tag === EXTENSIONS_TAG)))[0]));
  const keyId = extensions.map(({ content }) => readElements(content)).find(([id]) => id?.content.equals(SUBJECT_KEY_ID) === true)?.at(-1);
  if (keyId === undefined) throw new Error("it has no subject key identifier, which strict clients ask for");
  if (subject === undefined) throw new Error("it has no subject");
  return { name: Buffer.from(subject.whole), keyId: Buffer.from(contentOf(readElements(keyId.content)[0])) };
}

function contentOf(element: Element | undefined): Buffer {
  if (element === undefined) throw new Error("it is not as RFC 5280 says");
  return element.content;
}
