import { open } from "node:fs/promises";
import type { MerkleTree } from "./merkle.ts";
import { readNote, signNote, type NoteSigner, type NoteVerifier } from "./signed-note.ts";

/** Longest checkpoint file line that is read, in bytes; a checkpoint's own lines are far shorter. */
const LINE_LIMIT_BYTES = 4_096;

/** What a checkpoint commits to (c2sp.org/tlog-checkpoint): the first `size` records of the chain `origin`, as the root of their Merkle tree. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  /** Hex. */
  readonly root: string;
}

export function originOf(chainUid: string): string {
  return `weir.dev/audit/${chainUid}`;
}

export async function signCheckpoint(chainUid: string, tree: MerkleTree, signers: readonly NoteSigner[]): Promise<string> {
  return signNote(`${originOf(chainUid)}\n${tree.size}\n${Buffer.from(tree.root(), "hex").toString("base64")}\n`, signers);
}

/** What a note says, whoever signed it. @throws Error if it is not a checkpoint */
export function parseCheckpoint(note: string): Checkpoint {
  const [origin = "", size = "", root = ""] = readNote(note, []).text.split("\n");
  const rootBytes = Buffer.from(root, "base64");
  if (origin === "" || !/^(0|[1-9]\d{0,15})$/.test(size) || rootBytes.length !== 32) throw new Error("not a checkpoint");
  return { origin, size: Number(size), root: rootBytes.toString("hex") };
}

/** @throws Error if the note is not a checkpoint, or if none of the keys signed it */
export function readCheckpoint(note: string, verifiers: readonly NoteVerifier[]): Checkpoint {
  const checkpoint = parseCheckpoint(note);
  if (readNote(note, verifiers).signedBy.length === 0) throw new Error(`the checkpoint of ${checkpoint.size} records is not signed by a known key`);
  return checkpoint;
}

/** Adds one note to a file of notes, durable when it resolves. Notes are separated by an empty line. */
export async function appendNote(path: string, note: string): Promise<void> {
  const file = await open(path, "a", 0o600);
  try {
    await file.appendFile(`${note}\n`);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** The notes of a file in order, one in memory at a time; none if the file does not exist. A last note without its end was never finished and is left out. */
export async function* readNotes(path: string): AsyncGenerator<string> {
  const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (file === null) return;
  let note = "";
  let isSigned = false;
  try {
    for await (const line of file.readLines()) {
      if (line.length > LINE_LIMIT_BYTES) throw new Error(`${path} holds a line of ${line.length} characters`);
      if (line !== "" || !isSigned) {
        note += `${line}\n`;
        isSigned ||= line.startsWith("— ");
        continue;
      }
      yield note;
      note = "";
      isSigned = false;
    }
  } finally {
    await file.close().catch(() => undefined);
  }
  if (isSigned && note.trim() !== "") yield note;
}

/** The last finished note of a file, or null. */
export async function lastNote(path: string): Promise<string | null> {
  let last: string | null = null;
  for await (const note of readNotes(path)) last = note;
  return last;
}
