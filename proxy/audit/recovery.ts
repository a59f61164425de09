import { hash } from "node:crypto";
import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../common/exit-codes.ts";
import { CHAIN_EVENTS, treeBefore } from "./chain-events.ts";
import type { ChainMark } from "./chain.ts";
import { lastNote, originOf, readCheckpoint } from "./checkpoint.ts";
import { listSegments, NAMES, type Segment } from "./directory.ts";
import { readLines } from "./segment-reader.ts";
import { lifecycleOf, readStoredRecord, type StoredRecord } from "./stored-record.ts";
import type { NoteVerifier } from "./signed-note.ts";

/** Bytes at the end of the last segment that a dying writer left unfinished; nobody was told that they are recorded. */
export interface TornTail {
  readonly bytes: number;
  readonly sha256: string;
}

export interface RecoveredChain {
  readonly uid: string;
  readonly mark: ChainMark;
  readonly segment: { readonly first: number; readonly lengthBytes: number; readonly openedAtMs: number };
  readonly torn: TornTail | null;
  /** False if the last writer did not stop in order. */
  readonly isClean: boolean;
}

const HINT = "Run `weir audit verify` on it. To begin a new chain, move the folder away and keep it as evidence.";

/**
 * Finds the end of the chain in a folder, checking its last segment record by record.
 * @returns null if there is no record yet
 * @throws UserError if the end is damaged in a way that a crash cannot explain, or if durable records are gone
 */
export async function recoverChain(directory: string, verifiers: readonly NoteVerifier[]): Promise<RecoveredChain | null> {
  const segments = await listSegments(directory);
  let torn: TornTail | null = null;
  for (let last = segments.pop(); last !== undefined; last = segments.pop()) {
    const end = await readSegmentEnd(last);
    torn = end.torn ?? torn;
    if (end.chain !== null) {
      await refuseLostRecords(directory, end.chain, verifiers);
      return { ...end.chain, torn };
    }
    // The writer died while it made this file: it holds no whole record.
    await rm(last.path);
  }
  return null;
}

async function readSegmentEnd(segment: Segment): Promise<{ chain: Omit<RecoveredChain, "torn"> | null; torn: TornTail | null }> {
  let previous: StoredRecord | null = null;
  let tree = treeBefore({ records_before: 0, tree_peaks: "" });
  let lengthBytes = 0;
  let openedAtMs = 0;
  for await (const line of readLines(segment.path)) {
    const record: StoredRecord | string = line.isWhole ? readStoredRecord(line.bytes) : "the last line has no end";
    const expected: number = previous === null ? segment.first : previous.sequence + 1;
    const fault = typeof record === "string" ? record : linkFault(record, previous, expected);
    if (typeof record === "string" || fault !== null) {
      const torn = await readTornTail(segment, line.offset);
      if (torn === null) throw new UserError(`the audit chain is damaged at record ${expected} (${segment.path}): ${fault ?? ""}`, HINT);
      return { chain: chainAt(previous, { first: segment.first, lengthBytes, openedAtMs }, tree), torn };
    }
    if (previous === null) {
      tree = treeBefore(lifecycleOf(record.event)?.fields ?? {});
      openedAtMs = Number(record.event["time"]);
    }
    tree.append(record.hash);
    lengthBytes = line.nextOffset;
    previous = record;
  }
  return { chain: chainAt(previous, { first: segment.first, lengthBytes, openedAtMs }, tree), torn: null };
}

function linkFault(record: StoredRecord, previous: StoredRecord | null, expected: number): string | null {
  if (record.sequence !== expected) return `it holds record ${record.sequence}`;
  if (previous !== null && (record.previousHash !== previous.hash || record.chainUid !== previous.chainUid)) return "it does not follow its predecessor";
  return null;
}

function chainAt(last: StoredRecord | null, segment: RecoveredChain["segment"], tree: ChainMark["tree"]): Omit<RecoveredChain, "torn"> | null {
  if (last === null) return null;
  return {
    uid: last.chainUid,
    mark: { sequence: last.sequence + 1, previousHash: last.hash, tree },
    segment,
    isClean: lifecycleOf(last.event)?.event === CHAIN_EVENTS.stopped,
  };
}

/**
 * What a crash leaves is an unfinished last line, or, after a loss of power, a hole of zero bytes in the last, never acknowledged write.
 * Anything else was changed by somebody.
 */
async function readTornTail(segment: Segment, offset: number): Promise<TornTail | null> {
  const { size } = await stat(segment.path);
  const rest = (await readFile(segment.path)).subarray(offset, size);
  if (rest.includes(10) && !rest.includes(0)) return null;
  return { bytes: rest.length, sha256: hash("sha256", rest, "hex") };
}

async function refuseLostRecords(directory: string, chain: Omit<RecoveredChain, "torn">, verifiers: readonly NoteVerifier[]): Promise<void> {
  const note = await lastNote(join(directory, NAMES.checkpoints));
  if (note === null) return;
  const checkpoint = readCheckpoint(note, verifiers);
  if (checkpoint.origin === originOf(chain.uid) && checkpoint.size > chain.mark.sequence) {
    throw new UserError(`the audit chain in ${directory} ends at record ${chain.mark.sequence - 1}, but a signed checkpoint covers ${checkpoint.size} records`, HINT);
  }
}
