/** What kind of damage was found. */
export type Damage =
  /** A record was changed, or the one before it replaced. */
  | "altered"
  /** Records are gone from the middle or the beginning. */
  | "missing"
  /** A record is there twice, or out of order, or does not belong here. */
  | "misplaced"
  /** A signed checkpoint covers more records than there are. */
  | "truncated"
  /** A signed checkpoint covers other records, or another chain. */
  | "replaced"
  /** A checkpoint or a key rotation is not signed by a known key, or cannot be read. */
  | "unsigned";

export interface Problem {
  /** The first record that is not as it was written. */
  readonly sequence: number;
  readonly damage: Damage;
  /** One sentence. */
  readonly detail: string;
}

export interface VerifyReport {
  readonly directory: string;
  readonly chainUid: string | null;
  /** Sequence of the first record that is kept; not 0 after retention. */
  readonly firstSequence: number;
  /** Records that were checked and are as they were written. */
  readonly records: number;
  readonly segments: number;
  /** Signed checkpoints that agree with the records. */
  readonly checkpoints: number;
  /** Records that the last of them covers: beyond it, a cut tail would not show. */
  readonly checkpointSize: number;
  /** Bytes of an unfinished last line: a writer is at work, or died. Nobody was told that they are recorded. */
  readonly unfinishedBytes: number;
  /** Null if the chain is whole. */
  readonly problem: Problem | null;
}

/** Ends a verification at the first damage. */
export class DamageFound extends Error {
  override readonly name = "DamageFound";
  readonly problem: Problem;

  constructor(sequence: number, damage: Damage, detail: string) {
    super(detail);
    this.problem = { sequence, damage, detail };
  }
}
