/** Exit codes of `weir` and of the programs. Documented in `weir --help`; 78 is EX_CONFIG of sysexits.h. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  denied: 3,
  /** A part of the machine that Weir needs is missing (user namespaces, nft, a fit Node). */
  unavailable: 69,
  config: 78,
  /** COMMAND was found but could not be executed; the shell's convention. */
  notExecutable: 126,
  /** COMMAND was not found; the shell's convention. */
  notFound: 127,
} as const;

/** An end of the program that the user can mend: printed as one message without a stack, then exits with `exitCode`. */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly exitCode: number;
  readonly hint: string;

  /** @param hint one sentence that says how to mend it */
  constructor(message: string, hint: string, exitCode: number = EXIT.failure, options?: { cause?: unknown }) {
    super(message, options);
    this.hint = hint;
    this.exitCode = exitCode;
  }
}
