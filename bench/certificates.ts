import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Certificates {
  readonly caFile: string;
  readonly caKeyFile: string;
  readonly leafFile: string;
  readonly leafKeyFile: string;
}

const DAYS = "7";
const EC_P256 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** A CA of its own and one ECDSA P-256 leaf for all the names, written to `folder`. */
export async function writeCertificates(folder: string, names: readonly string[]): Promise<Certificates> {
  const files: Certificates = {
    caFile: join(folder, "ca.pem"), caKeyFile: join(folder, "ca.key"), leafFile: join(folder, "leaf.pem"), leafKeyFile: join(folder, "leaf.key"),
  };
  await run("openssl", ["req", "-x509", ...EC_P256, "-days", DAYS, "-subj", "/CN=bench CA", "-keyout", files.caKeyFile, "-out", files.caFile,
    "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]);
  await run("openssl", ["req", "-x509", ...EC_P256, "-days", DAYS, "-subj", `/CN=${names[0]}`, "-keyout", files.leafKeyFile, "-out", files.leafFile,
    "-CA", files.caFile, "-CAkey", files.caKeyFile, "-addext", `subjectAltName=${names.map((name) => `DNS:${name}`).join(",")}`,
    "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth"]);
  return files;
}
