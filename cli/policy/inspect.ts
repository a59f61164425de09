import type { Command } from "commander";
import { inspectBundle, type BundleReport } from "../../proxy/operator.ts";
import { count } from "../count.ts";
import type { Io } from "../io.ts";
import { outputFormat, type OutputFormat } from "../output-format.ts";
import { oneLine } from "../terminal-text.ts";
import { readBundleFile, readPemFile } from "./read-files.ts";

interface InspectOptions {
  readonly key?: string;
  readonly scope?: string;
  readonly output: OutputFormat;
}

/** `weir policy inspect` */
export function registerInspect(policy: Command, io: Io): void {
  policy.command("inspect").argument("<bundle>", "bundle file")
    .option("--key <file>", "public key in PEM; the signature is checked by it, and the command fails if it does not hold")
    .option("--scope <scope>", "what the signature has to be for")
    .option("-o, --output <format>", "text or json", outputFormat, "text")
    .description("Say what a bundle is: revision, signature, entry points, files.")
    .action(async (path: string, { key, scope, output }: InspectOptions) => {
      const report = await inspectBundle(readBundleFile(path), key === undefined ? undefined : readPemFile(key), scope);
      if (output === "json") io.out(JSON.stringify(report, null, 2));
      else for (const line of linesOf(report)) io.out(oneLine(line));
    });
}

function linesOf(report: BundleReport): string[] {
  const { revision, digest, bytes, entryPoints, files } = report;
  return [
    `revision     ${revision}`, `content      ${digest}`, `signature    ${describeSignature(report)}`, `size         ${bytes} bytes, ${count(files.length, "file", "files")}`,
    ...entryPoints.map((entryPoint) => `entry point  ${entryPoint}`),
    ...files.map((file) => `file         ${file.path}, ${file.bytes} bytes`),
  ];
}

function describeSignature({ signature, signer }: BundleReport): string {
  if (signature === null) return "none";
  const { algorithm, keyId, scope } = signature;
  const names = `${algorithm}${keyId === null ? "" : `, key ${keyId}`}${scope === null ? "" : `, scope ${scope}`}`;
  return `${names}; ${signer === null ? "not checked: give --key" : "holds"}`;
}
