import { readFileSync } from "node:fs";
import * as z from "zod";

/** Parts that the sections of all sinks share. */
export const nameShape = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "lower-case letters, digits and hyphens")
  .describe("Name of the sink in metrics and gap records; also names its cursor file, so a new name sends everything again.");

export const batchShape = {
  batchRecords: z.number().int().min(1).max(10_000).default(500).describe("Most records sent at once."),
  batchBytes: z.number().int().min(1_024).max(64 * 2 ** 20).default(2 ** 20).describe("Most bytes sent at once; a single longer record still goes alone."),
};

export const tlsShape = {
  caFile: z.string().optional().describe("PEM file with the roots that may vouch for the receiver; default: the public roots."),
  certificateFile: z.string().optional().describe("PEM file with our own certificate, for mutual TLS."),
  keyFile: z.string().optional().describe("PEM file with the key of that certificate."),
};

export interface TlsFiles {
  readonly caFile?: string | undefined;
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** Files are read anew for each connection, so that a renewed certificate needs no restart. Verification is never off. */
export function readTlsFiles(files: TlsFiles): { ca?: Buffer; cert?: Buffer; key?: Buffer; minVersion: "TLSv1.2" } {
  return {
    ...(files.caFile === undefined ? {} : { ca: readFileSync(files.caFile) }),
    ...(files.certificateFile === undefined ? {} : { cert: readFileSync(files.certificateFile) }),
    ...(files.keyFile === undefined ? {} : { key: readFileSync(files.keyFile) }),
    minVersion: "TLSv1.2",
  };
}
