import { join } from "node:path";
import { UserError } from "../../common/exit-codes.ts";
import { CHAIN_EVENTS, treeBefore } from "./chain-events.ts";
import { CheckpointCheck } from "./checkpoint-check.ts";
import { listSegments, NAMES, type Segment } from "./directory.ts";
import { readRotation } from "./key-rotation.ts";
import { MerkleTree } from "./merkle.ts";
import { LINE_LIMIT_BYTES, readLines } from "./segment-reader.ts";
import { readVerifierKeys } from "./signing-key.ts";
import type { NoteVerifier } from "./signed-note.ts";
import { lifecycleOf, readStoredRecord, type StoredRecord } from "./stored-record.ts";
import { DamageFound, type Problem, type VerifyReport } from "./verify-report.ts";

export interface VerifyOptions {
  /** Checkpoints kept elsewhere, by a witness or in a SIEM: only they show that the whole chain was replaced, checkpoints included. */
  readonly checkpointFile?: string | undefined;
  /** Public key kept elsewhere, as in `signing.pub`; without it the one in the folder is believed. */
  readonly publicKeyFile?: string | undefined;
}

/**
 * Checks a chain from its first record to its last, reading each file once, with one record in memory.
 * @returns a report whose `problem` names the first bad record; null means whole
 * @throws UserError if there is no chain, or no key to check it with
 */
export async function verifyAudit(directory: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  const segments = await listSegments(directory);
  if (segments.length === 0) throw new UserError(`there is no audit chain in ${directory}`, "Give the folder that holds the segment files.");
  const verification = new Verification(directory, await readVerifierKeys(options.publicKeyFile ?? join(directory, NAMES.publicKeys)), options.checkpointFile);
  return verification.run(segments);
}

class Verification {
  readonly #directory: string;
  readonly #verifiers: NoteVerifier[];
  readonly #checks: readonly CheckpointCheck[];
  readonly #first = { sequence: 0 };
  #tree = new MerkleTree();
  #previous: StoredRecord | null = null;
  #records = 0;
  /** Records before this one were given up by a retention record. */
  #retiredBefore = 0;
  #unfinishedBytes = 0;

  constructor(directory: string, verifiers: readonly NoteVerifier[], checkpointFile: string | undefined) {
    this.#directory = directory;
    this.#verifiers = [...verifiers];
    this.#checks = [
      new CheckpointCheck(join(directory, NAMES.checkpoints), this.#verifiers, { allowed: "until", note: null }),
      ...(checkpointFile === undefined ? [] : [new CheckpointCheck(checkpointFile, this.#verifiers, { allowed: "none" })]),
    ];
  }

  async run(segments: readonly Segment[]): Promise<VerifyReport> {
    let problem: Problem | null = null;
    try {
      for (const [index, segment] of segments.entries()) await this.#readSegment(segment, index === segments.length - 1);
      this.#finish();
    } catch (error) {
      if (!(error instanceof DamageFound)) throw error;
      problem = error.problem;
    } finally {
      for (const check of this.#checks) await check.close();
    }
    return {
      directory: this.#directory, chainUid: this.#previous?.chainUid ?? null, firstSequence: this.#first.sequence, records: this.#records, segments: segments.length,
      checkpoints: this.#checks.reduce((sum, check) => sum + check.agreed, 0), checkpointSize: Math.max(...this.#checks.map((check) => check.agreedSize)),
      unfinishedBytes: this.#unfinishedBytes, problem,
    };
  }

  async #readSegment(segment: Segment, isLast: boolean): Promise<void> {
    let isFirstOfSegment = true;
    for await (const line of readLines(segment.path)) {
      if (!line.isWhole) {
        if (!isLast) throw new DamageFound(this.#expected(segment), "altered", `${segment.path} ends in the middle of a record`);
        if (line.bytes.length > LINE_LIMIT_BYTES) throw new DamageFound(this.#expected(segment), "altered", "the line is longer than any record");
        this.#unfinishedBytes = line.bytes.length;
        return;
      }
      const record = readStoredRecord(line.bytes);
      if (typeof record === "string") throw new DamageFound(this.#expected(segment), "altered", record);
      if (this.#previous === null) await this.#begin(record, segment);
      else this.#follow(record, this.#previous);
      if (isFirstOfSegment) this.#checkHead(record);
      isFirstOfSegment = false;
      await this.#take(record);
    }
    if (isFirstOfSegment && !isLast) throw new DamageFound(this.#expected(segment), "missing", `${segment.path} is empty`);
  }

  #expected(segment: Segment): number {
    return this.#previous === null ? segment.first : this.#previous.sequence + 1;
  }

  /** The first record that is kept: it says what came before it. */
  async #begin(record: StoredRecord, segment: Segment): Promise<void> {
    if (record.sequence !== segment.first) throw new DamageFound(Math.min(segment.first, record.sequence), "misplaced", `the first record of ${segment.path} is record ${record.sequence}`);
    const head = lifecycleOf(record.event);
    try {
      this.#tree = treeBefore(head?.fields ?? {});
    } catch {
      throw new DamageFound(record.sequence, "misplaced", "the first record does not say what came before it");
    }
    this.#first.sequence = record.sequence;
    const follows = head?.fields["follows"];
    for (const check of this.#checks) await check.start(record.chainUid, typeof follows === "string" ? follows : null);
  }

  #follow(record: StoredRecord, previous: StoredRecord): void {
    const expected = previous.sequence + 1;
    if (record.chainUid !== previous.chainUid) throw new DamageFound(expected, "replaced", "the record is of another chain");
    if (record.sequence > expected) throw new DamageFound(expected, "missing", `record ${expected} to ${record.sequence - 1} are not where they belong; record ${record.sequence} is`);
    if (record.sequence < expected) throw new DamageFound(expected, "misplaced", `record ${record.sequence} is in its place`);
    if (record.previousHash !== previous.hash) throw new DamageFound(previous.sequence, "altered", `record ${expected} follows another record ${previous.sequence} than this one`);
  }

  #checkHead(record: StoredRecord): void {
    const fields = lifecycleOf(record.event)?.fields ?? {};
    if (fields["records_before"] !== this.#tree.size || fields["tree_peaks"] !== this.#tree.peaks().join(" ")) {
      throw new DamageFound(record.sequence, "altered", "the first record of a segment does not describe the records before it");
    }
  }

  async #take(record: StoredRecord): Promise<void> {
    this.#tree.append(record.hash);
    const own = lifecycleOf(record.event);
    if (own?.event === CHAIN_EVENTS.keyRotated) {
      const verifier = readRotation(own.fields["note"], record.chainUid, this.#verifiers);
      if (typeof verifier === "string") throw new DamageFound(record.sequence, "unsigned", verifier);
      this.#verifiers.push(verifier);
    }
    if (own?.event === CHAIN_EVENTS.retired) this.#retiredBefore = Math.max(this.#retiredBefore, Number(own.fields["records_before"]));
    for (const check of this.#checks) await check.compare(this.#tree);
    this.#records += 1;
    this.#previous = record;
  }

  #finish(): void {
    for (const check of this.#checks) check.finish(this.#tree.size);
    if (this.#first.sequence > this.#retiredBefore) {
      throw new DamageFound(this.#retiredBefore, "missing", `record ${this.#retiredBefore} to ${this.#first.sequence - 1} are gone, and no retention record says why`);
    }
  }
}
