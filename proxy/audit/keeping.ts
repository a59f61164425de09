import { join } from "node:path";
import { systemClock } from "../../common/clock.ts";
import { UserError } from "../../common/exit-codes.ts";
import { silentLog } from "../../common/log.ts";
import { lastNote, readCheckpoint } from "./checkpoint.ts";
import { auditConfig } from "./config.ts";
import { NAMES } from "./directory.ts";
import { openAudit } from "./open-audit.ts";
import { readVerifierKeys } from "./signing-key.ts";

/** The newest checkpoint of a chain as a signed note. @throws UserError if there is none, or if it is not signed by the key beside it */
export async function latestCheckpoint(directory: string): Promise<string> {
  const note = await lastNote(join(directory, NAMES.checkpoints));
  if (note === null) throw new UserError(`there is no checkpoint in ${directory} yet`, "The first is signed some seconds after the first record, and at the latest when the proxy stops.");
  try {
    readCheckpoint(note, await readVerifierKeys(join(directory, NAMES.publicKeys)));
  } catch (error) {
    throw new UserError(`the newest checkpoint in ${directory} is not valid: ${(error as Error).message}`, "Run `weir audit verify` on it.", undefined, { cause: error });
  }
  return note;
}

/** Replaces the signing key of a chain that nobody writes. @returns the new public key @throws UserError if the chain is in use */
export async function rotateAuditKey(directory: string): Promise<string> {
  const audit = await openAudit(auditConfig.parse({}), { directory, clock: systemClock, log: silentLog });
  try {
    return await audit.rotateKey();
  } finally {
    await audit.close();
  }
}
