import { rm } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../common/exit-codes.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { RemoteKey } from "../model/remote-key.ts";
import { NAMES, syncDirectory } from "./directory.ts";
import { formatVerifierKey, openVerifier, type NoteSigner, type NoteVerifier } from "./signed-note.ts";
import { KEY_NAME, openSigningKey, publishKey, type NextKey } from "./signing-key.ts";

/** What the folder of a chain says of its key. */
export interface KeyHistory {
  readonly directory: string;
  /** The newest key that was published; null if there is none. */
  readonly published: NoteVerifier | null;
  /** False once the chain has checkpoints. */
  readonly mayCreate: boolean;
}

/** Who signs now, and who has to take over before anything else is signed. */
export interface RemoteSigners {
  readonly signer: NoteSigner;
  readonly nextKey: NextKey | null;
}

/**
 * The key of a chain whose key is kept elsewhere. A chain that has another key, an older version of this one or one in its folder, is handed over.
 * @throws UserError if the key cannot be asked, or if the chain's key is neither here nor there
 */
export async function openRemoteKey(remote: RemoteKey, { directory, published, mayCreate }: KeyHistory): Promise<RemoteSigners> {
  const signers = await signersOf(remote);
  const newest = signers.at(-1);
  if (newest === undefined) throw new UserError(`no version of ${remote.describe} signs`, "Make one with the type ed25519.");
  const next = { signer: newest, install: async () => install(directory, newest) };
  if (published === null && mayCreate) {
    await next.install();
    return { signer: newest, nextKey: null };
  }
  const present = signers.find((signer) => published !== null && formatVerifierKey(signer) === formatVerifierKey(published));
  if (present === newest) return { signer: newest, nextKey: null };
  return { signer: present ?? await openSigningKey(directory, false), nextKey: next };
}

async function signersOf(remote: RemoteKey): Promise<NoteSigner[]> {
  try {
    const keys = [...await remote.publicKeys()].toSorted(([one], [other]) => one - other);
    return keys.map(([version, raw]) => ({ ...openVerifier(KEY_NAME, raw), sign: async (message) => remote.sign(version, message) }));
  } catch (error) {
    throw new UserError(`cannot ask for the audit signing key ${remote.describe}: ${describeError(error)}`,
      "Records are never left unsigned: the proxy starts when the key can be asked. See docs/vault.md for the policy that it takes.", undefined, { cause: error });
  }
}

/** No private key stays in the folder. */
async function install(directory: string, signer: NoteSigner): Promise<void> {
  await publishKey(directory, signer);
  await rm(join(directory, NAMES.signingKey), { force: true });
  await syncDirectory(directory);
}
