import { generateKeyPairSync } from "node:crypto";
import { appendFile, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../common/exit-codes.ts";
import { NAMES, syncDirectory } from "./directory.ts";
import { formatVerifierKey, openSigner, parseVerifierKey, type NoteSigner, type NoteVerifier } from "./signed-note.ts";

export const KEY_NAME = "weir-audit";

/** A key that is about to take over. */
export interface NextKey {
  readonly signer: NoteSigner;
  /** Makes it the key of the chain, once the chain says so. */
  install(): Promise<void>;
}

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
    const created = makeSigningKey(directory);
    await created.install();
    return created.signer;
  }
}

/** A key of our own. Installed, it is in the place of the present one, whose private half is gone then; the public half stays published. */
export function makeSigningKey(directory: string): NextKey {
  const pem = generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" });
  const signer = openSigner(KEY_NAME, pem);
  const path = join(directory, NAMES.signingKey);
  return {
    signer,
    install: async () => {
      await writeFile(`${path}.new`, pem, { mode: 0o600, flush: true });
      await publishKey(directory, signer);
      await rename(`${path}.new`, path);
      await syncDirectory(directory);
    },
  };
}

export async function publishKey(directory: string, verifier: NoteVerifier): Promise<void> {
  await appendFile(join(directory, NAMES.publicKeys), `${formatVerifierKey(verifier)}\n`, { mode: 0o644, flush: true });
}

/** Verifier keys of a file, one a line, oldest first. @throws UserError naming the file */
export async function readVerifierKeys(path: string): Promise<NoteVerifier[]> {
  try {
    return (await readFile(path, "utf8")).split("\n").filter((line) => line.trim() !== "").map((line) => parseVerifierKey(line));
  } catch (error) {
    throw new UserError(`cannot read the public key ${path}: ${(error as Error).message}`, "Give the signing.pub of the chain with --key.", undefined, { cause: error });
  }
}
