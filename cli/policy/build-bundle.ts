import { statSync } from "node:fs";
import type { Command } from "commander";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { buildPolicy, requireOrder, signBundle } from "../../proxy/operator.ts";
import type { Io } from "../io.ts";
import { readBundleFile, readPemFile } from "./read-files.ts";

/** How a bundle is named and signed. */
export interface SigningOptions {
  readonly sign?: string;
  readonly keyId?: string;
  readonly scope?: string;
}

export interface BuildOptions extends SigningOptions {
  readonly revision?: string;
}

/** Adds the options of {@link BuildOptions} to a command. */
export function withBuildOptions(command: Command): Command {
  return withSigningOptions(command.option("--revision <revision>", "a whole number that goes up, then perhaps a hyphen and a name: 42-npm-read-only"));
}

/** Adds the options of {@link SigningOptions} to a command. */
export function withSigningOptions(command: Command): Command {
  return command.option("--sign <file>", "private key in PEM to sign with, as `weir policy keygen` writes it")
    .option("--key-id <id>", "ID of the key in policy.verification.keys; without it every key is tried")
    .option("--scope <scope>", "what the signature is for, as policy.verification.scope says");
}

/** Builds a policy folder, and signs what comes out if a key is given. @throws UserError */
export async function buildBundle(directory: string, options: BuildOptions, io: Io): Promise<{ revision: string; packed: Buffer }> {
  if (options.sign !== undefined && options.revision === undefined) {
    throw new UserError("a signed bundle needs --revision", "Give a whole number above that of the bundle in force: --revision 42.", EXIT.usage);
  }
  const revision = options.revision === undefined ? undefined : requireOrder(options.revision);
  const built = await buildPolicy(directory, io.environment, io.err, revision);
  return { revision: built.revision, packed: await signedIfAsked(built.packed, options) };
}

/** A built bundle as it is, or a folder built now. @throws UserError */
export async function bundleOrFolder(path: string, options: BuildOptions, io: Io): Promise<Buffer> {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isFolder) return (await buildBundle(path, options, io)).packed;
  if (options.revision !== undefined) throw new UserError("--revision is for a folder: a bundle has one already", "Leave it out.", EXIT.usage);
  return signedIfAsked(readBundleFile(path), options);
}

async function signedIfAsked(packed: Buffer, { sign, keyId, scope }: SigningOptions): Promise<Buffer> {
  if (sign !== undefined) return signBundle(packed, { keyPem: readPemFile(sign), keyId, scope });
  if (keyId !== undefined || scope !== undefined) throw new UserError("--key-id and --scope are parts of a signature", "Give the key with --sign.", EXIT.usage);
  return packed;
}
