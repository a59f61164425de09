import { X509Certificate } from "node:crypto";
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { EXIT, UserError } from "./exit-codes.ts";
import { trustStore, TRUST_STORE_PASSWORD } from "./trust-store.ts";

/** Where distributions keep the roots they trust: Debian, Fedora, older Fedora, SUSE, Alpine and the BSDs. */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
];

/** Largest bundle read, in bytes; Mozilla's is about 230 KB. */
const BUNDLE_LIMIT_BYTES = 8 << 20;

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

export interface TrustRequest {
  /** Our CA, one certificate; during a rotation, the old and the new one. */
  readonly caPem: string;
  /** Folder to write into; made if it is missing. */
  readonly directory: string;
  /** The same folder as the agent will see it; default `directory`. */
  readonly seenAt?: string;
  /** PEM files of further roots, for destinations that are not intercepted. */
  readonly extraCaFiles?: readonly string[];
}

export interface Trust {
  /** What makes each runtime trust the boundary; paths are as the agent sees them. */
  readonly environment: Readonly<Record<string, string>>;
  /** The bundle where it was written: fit to be mounted over the system's. */
  readonly bundleFile: string;
}

/**
 * Writes what an agent needs to trust the boundary's CA: `ca.crt` (ours alone), `ca-bundle.crt` (ours, the system's, the operator's),
 * `truststore.p12` (the same for the JVM), `wgetrc` and `apt.conf`. All readable by everybody, nothing secret.
 * @throws UserError if a file of the operator cannot be read or holds no certificate
 */
export async function writeTrust({ caPem, directory, seenAt = directory, extraCaFiles = [] }: TrustRequest): Promise<Trust> {
  const own = certificatesIn(caPem);
  if (own.length === 0) throw new UserError("the CA of the boundary is not a PEM certificate", "Remove it from the state directory; it is made again.", EXIT.config);
  const extra = await Promise.all(extraCaFiles.map(async (path) => readRoots(path)));
  const all = [...new Set([...own, ...extra.flat(), ...await systemRoots()])];
  const environment = trustEnvironment(seenAt);
  const files = {
    [FILES.ca]: asPem(own), [FILES.bundle]: asPem(all), [FILES.store]: trustStore(all),
    [FILES.wget]: `ca_certificate = ${join(seenAt, FILES.bundle)}\n`,
    [FILES.apt]: `Acquire::https::CAInfo "${join(seenAt, FILES.bundle)}";\n`,
  };
  await mkdir(directory, { recursive: true });
  await letOthersIn(directory);
  await Promise.all(Object.entries(files).map(async ([name, content]) => writePublic(join(directory, name), content)));
  return { environment, bundleFile: join(directory, FILES.bundle) };
}

const FILES = { ca: "ca.crt", bundle: "ca-bundle.crt", store: "truststore.p12", wget: "wgetrc", apt: "apt.conf" } as const;

/** Variables that add our CA to what the runtime trusts anyway: they name the file with our CA alone. */
const ADDITIVE = ["NODE_EXTRA_CA_CERTS", "DENO_CERT"] as const;

/**
 * Variables that take the place of all that the runtime trusts: they name the whole bundle. With our CA alone in it, every destination that is not
 * intercepted would fail.
 */
const REPLACING = [
  // OpenSSL and what reads its variables: Python ssl and httpx, Ruby, PHP, Go, rustls-native-certs, uv, .NET.
  "SSL_CERT_FILE",
  "CURL_CA_BUNDLE",
  // Debian's git is built with GnuTLS, which reads no OpenSSL variable.
  "GIT_SSL_CAINFO",
  "REQUESTS_CA_BUNDLE", "HTTPLIB2_CA_CERTS", "PIP_CERT", "CONDA_SSL_VERIFY", "MAMBA_SSL_VERIFY",
  "npm_config_cafile", "YARN_HTTPS_CA_FILE_PATH",
  "CARGO_HTTP_CAINFO", "AWS_CA_BUNDLE", "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
  "BUNDLE_SSL_CA_CERT", "COMPOSER_CAFILE", "PERL_LWP_SSL_CA_FILE", "HTTPS_CA_FILE", "HEX_CACERTS_PATH", "NIX_SSL_CERT_FILE", "JULIA_SSL_CA_ROOTS_PATH",
  "CODEX_CA_CERTIFICATE",
  // libpq: psql and most drivers. With a file named here, sslmode=require verifies the chain as well.
  "PGSSLROOTCERT",
] as const;

/**
 * The variables that make each runtime trust the files in a folder. Runtimes with roots compiled in (Rust webpki-roots) have none.
 * @param directory as the agent sees it
 */
export function trustEnvironment(directory: string): Readonly<Record<string, string>> {
  const at = (name: keyof typeof FILES): string => join(directory, FILES[name]);
  return {
    ...Object.fromEntries(ADDITIVE.map((name) => [name, at("ca")])),
    ...Object.fromEntries(REPLACING.map((name) => [name, at("bundle")])),
    WGETRC: at("wget"),
    APT_CONFIG: at("apt"),
    UV_SYSTEM_CERTS: "true",
    DENO_TLS_CA_STORE: "system,mozilla",
    JAVA_TOOL_OPTIONS: [
      `-Djavax.net.ssl.trustStore=${at("store")}`, "-Djavax.net.ssl.trustStoreType=PKCS12", `-Djavax.net.ssl.trustStorePassword=${TRUST_STORE_PASSWORD}`,
    ].join(" "),
  };
}

/** A volume of a pod belongs to root, and everybody may look into it already. */
async function letOthersIn(directory: string): Promise<void> {
  const { mode } = await stat(directory);
  if ((mode & 0o005) !== 0o005) await chmod(directory, 0o755);
}

/** Readable by everybody, whatever the umask: the agent may be another user. */
async function writePublic(path: string, content: string | Buffer): Promise<void> {
  await writeFile(path, content);
  await chmod(path, 0o644);
}

/** The roots of the system that this runs on, or Mozilla's as Node brings them. */
async function systemRoots(): Promise<readonly string[]> {
  for (const path of SYSTEM_BUNDLES) {
    const roots = certificatesIn(await readFile(path, "utf8").catch(() => ""));
    if (roots.length > 0) return roots;
  }
  return rootCertificates.map((pem) => pem.trim());
}

async function readRoots(path: string): Promise<readonly string[]> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new UserError(`cannot read the CA file ${path}: ${(error as Error).message}`, "Check upstream.extraCaFiles.", EXIT.config, { cause: error });
  });
  const roots = text.length > BUNDLE_LIMIT_BYTES ? [] : certificatesIn(text);
  if (roots.length === 0) throw new UserError(`${path} holds no PEM certificate`, "Check upstream.extraCaFiles.", EXIT.config);
  return roots;
}

function certificatesIn(text: string): readonly string[] {
  return (text.match(CERTIFICATE) ?? []).map((pem) => pem.replaceAll("\r\n", "\n")).filter(isReadable);
}

/** A damaged entry in the system's bundle must not keep an agent from starting; the runtimes skip it too. */
function isReadable(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.byteLength > 0;
  } catch {
    return false;
  }
}

function asPem(certificates: readonly string[]): string {
  return `${certificates.join("\n")}\n`;
}
