import { originOf, parseCheckpoint, readCheckpoint, readNotes, type Checkpoint } from "./checkpoint.ts";
import type { MerkleTree } from "./merkle.ts";
import type { NoteVerifier } from "./signed-note.ts";
import { DamageFound } from "./verify-report.ts";

/** Which checkpoints of another chain may stand in a file: those before the one that this chain says it follows; none in a witness's file. */
export type ForeignRule = { readonly allowed: "none" } | { readonly allowed: "until"; readonly note: string | null };

/** One file of checkpoints, compared with a tree while it grows. The file is read as far as the tree has got, never as a whole. */
export class CheckpointCheck {
  readonly #notes: AsyncGenerator<string>;
  readonly #verifiers: readonly NoteVerifier[];
  #foreign: ForeignRule;
  #origin: string | null = null;
  #next: (Checkpoint & { readonly note: string }) | null = null;
  #agreed = 0;
  #agreedSize = 0;

  /** @param verifiers grows while key rotations are read */
  constructor(path: string, verifiers: readonly NoteVerifier[], foreign: ForeignRule) {
    this.#notes = readNotes(path);
    this.#verifiers = verifiers;
    this.#foreign = foreign;
  }

  get agreed(): number {
    return this.#agreed;
  }

  get agreedSize(): number {
    return this.#agreedSize;
  }

  /** @param follows the note that the first record of the chain names, if it does */
  async start(chainUid: string, follows: string | null): Promise<void> {
    this.#origin = originOf(chainUid);
    if (this.#foreign.allowed === "until") this.#foreign = { allowed: "until", note: follows };
    await this.#advance();
  }

  /** Call after each record. @throws DamageFound if a checkpoint of this size has another root */
  async compare(tree: MerkleTree): Promise<void> {
    while (this.#next !== null && this.#next.size <= tree.size) {
      // A smaller one is of a time before the first record that is kept; the peaks of the first segment vouch for those.
      if (this.#next.size === tree.size) {
        this.#requireSignature(this.#next.note);
        if (this.#next.root !== tree.root()) {
          throw new DamageFound(this.#agreedSize, "replaced",
            `the signed checkpoint of ${tree.size} records covers others than these; the change is in record ${this.#agreedSize} to ${tree.size - 1}`);
        }
        this.#agreed += 1;
        this.#agreedSize = tree.size;
      }
      await this.#advance();
    }
  }

  /** Call after the last record. @throws DamageFound if a checkpoint covers more */
  finish(records: number): void {
    if (this.#next === null) return;
    this.#requireSignature(this.#next.note);
    throw new DamageFound(records, "truncated", `a signed checkpoint covers ${this.#next.size} records, but only ${records} are here`);
  }

  async close(): Promise<void> {
    await this.#notes.return(undefined);
  }

  async #advance(): Promise<void> {
    const last = this.#next?.size ?? 0;
    this.#next = null;
    for (let turn = await this.#notes.next(); turn.done !== true; turn = await this.#notes.next()) {
      const checkpoint = this.#attempt(() => parseCheckpoint(turn.value));
      if (checkpoint.origin !== this.#origin) {
        this.#refuseForeign(checkpoint, turn.value);
        continue;
      }
      if (checkpoint.size < last) throw new DamageFound(this.#agreedSize, "unsigned", `the checkpoints go back from ${last} to ${checkpoint.size} records`);
      this.#next = { ...checkpoint, note: turn.value };
      return;
    }
  }

  /** Only now: the key may be one that a record before this size introduced. */
  #requireSignature(note: string): void {
    this.#attempt(() => readCheckpoint(note, this.#verifiers));
  }

  #attempt(read: () => Checkpoint): Checkpoint {
    try {
      return read();
    } catch (error) {
      throw new DamageFound(this.#agreedSize, "unsigned", (error as Error).message);
    }
  }

  #refuseForeign(checkpoint: Checkpoint, note: string): void {
    if (this.#foreign.allowed === "none" || this.#foreign.note === null) {
      throw new DamageFound(0, "replaced", `a signed checkpoint of ${checkpoint.size} records is of another chain (${checkpoint.origin})`);
    }
    // Behind the note that this chain follows, only its own may come.
    if (note === this.#foreign.note) this.#foreign = { allowed: "none" };
  }
}
