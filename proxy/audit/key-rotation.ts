import type { LifecycleRecord } from "../model/record.ts";
import { CHAIN_EVENTS, chainEvent } from "./chain-events.ts";
import { formatVerifierKey, parseVerifierKey, readNote, signNote, type NoteSigner, type NoteVerifier } from "./signed-note.ts";

const STATEMENT = "weir.dev/audit-key-rotation/v1";

/** The record of a new key: a statement signed by the old key, which hands over, and by the new one, which shows that it is held. */
export async function rotationEvent(timeMs: number, chainUid: string, from: NoteSigner, to: NoteSigner): Promise<LifecycleRecord> {
  const note = await signNote(`${STATEMENT}\n${chainUid}\n${formatVerifierKey(from)}\n${formatVerifierKey(to)}\n`, [from, to]);
  return chainEvent(CHAIN_EVENTS.keyRotated, timeMs, { note });
}

/**
 * Reads the `note` of a rotation record.
 * @returns the new key, if a key of `trusted` and the new key itself signed for this chain; else a sentence that says what is wrong
 */
export function readRotation(note: unknown, chainUid: string, trusted: readonly NoteVerifier[]): NoteVerifier | string {
  try {
    if (typeof note !== "string") return "the rotation record has no statement";
    const [statement, chain, , next = ""] = readNote(note, []).text.split("\n");
    if (statement !== STATEMENT || chain !== chainUid) return "the rotation statement is not of this chain";
    const verifier = parseVerifierKey(next);
    const { signedBy } = readNote(note, [verifier, ...trusted.filter((key) => key.keyId !== verifier.keyId)]);
    const isHeld = signedBy.includes(verifier);
    const isHandedOver = signedBy.some((key) => key !== verifier);
    return isHeld && isHandedOver ? verifier : "the rotation statement is not signed by a known key and by the new one";
  } catch (error) {
    return `the rotation statement cannot be read: ${(error as Error).message}`;
  }
}
