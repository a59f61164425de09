import { generateKeyPairSync } from "node:crypto";
import { appendFile, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../common/exit-codes.ts";
import { NAMES, syncDirectory } from "./directory.ts";
import { formatVerifierKey, openSigner, parseVerifierKey, type NoteSigner, type NoteVerifier } from "./signed-note.ts";

const KEY_NAME = "weir-audit";

/**
 * The key that signs the checkpoints of a chain; made on first use, mode 0600, with its public half beside it.
 * @param mayCreate false once the chain has checkpoints: a key that then is missing was taken away, and the chain must not go on under another
 * @throws UserError if the key is missing or unreadable
 */
export async function openSigningKey(directory: string, mayCreate: boolean): Promise<NoteSigner> {
  const path = join(directory, NAMES.signingKey);
  try {
    return openSigner(KEY_NAME, await readFile(path, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || !mayCreate) {
      throw new UserError(`cannot use the audit signing key ${path}: ${(error as Error).message}`,
        "Restore the file, or move the folder away to begin a new chain; records are never left unsigned.", undefined, { cause: error });
    }
    const created = makeSigningKey();
    await installSigningKey(directory, created);
    return created.signer;
  }
}

export interface NewSigningKey {
  readonly signer: NoteSigner;
  readonly pem: string;
}

export function makeSigningKey(): NewSigningKey {
  const pem = generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" });
  return { signer: openSigner(KEY_NAME, pem), pem };
}

/** Puts a key in the place of the present one; the old private key is gone afterwards, its public half stays published. */
export async function installSigningKey(directory: string, { signer, pem }: NewSigningKey): Promise<void> {
  const path = join(directory, NAMES.signingKey);
  await writeFile(`${path}.new`, pem, { mode: 0o600, flush: true });
  await appendFile(join(directory, NAMES.publicKeys), `${formatVerifierKey(signer)}\n`, { mode: 0o644, flush: true });
  await rename(`${path}.new`, path);
  await syncDirectory(directory);
}

/** Verifier keys of a file, one a line, oldest first. @throws UserError naming the file */
export async function readVerifierKeys(path: string): Promise<NoteVerifier[]> {
  try {
    return (await readFile(path, "utf8")).split("\n").filter((line) => line.trim() !== "").map((line) => parseVerifierKey(line));
  } catch (error) {
    throw new UserError(`cannot read the public key ${path}: ${(error as Error).message}`, "Give the signing.pub of the chain with --key.", undefined, { cause: error });
  }
}
