/** One thing that the local sandbox needs of the machine. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** The exact command that mends it; empty if `ok`. */
  readonly fix: string;
}
