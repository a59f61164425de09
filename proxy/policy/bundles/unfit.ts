/** Of what a refusal says of a bundle; a bundle may name its files at any length. */
const MESSAGE_LIMIT = 500;
const NAME_LIMIT = 100;

/**
 * The bundle itself is at fault: it stays unfit however often it is looked at. Any other error is of the moment (a disk, a lock, a thread that did not start),
 * and the same bundle may be fit later.
 */
export class UnfitError extends Error {
  override readonly name: string = "UnfitError";

  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(clip(message, MESSAGE_LIMIT), options);
  }
}

const marked = new WeakSet<Error>();

/** Says of an error that has its own words and parts, such as all problems of a file, that what was offered is at fault. @returns the same error */
export function markUnfit<E extends Error>(error: E): E {
  marked.add(error);
  return error;
}

/** True if the error, or what caused it, is the fault of what was offered. */
export function isUnfit(error: unknown): boolean {
  return error instanceof UnfitError || (error instanceof Error && marked.has(error)) || (error instanceof Error && error.cause !== undefined && isUnfit(error.cause));
}

/** A name out of a bundle, for a message: in quotes, escaped, and no longer than a line. */
export function quoted(name: string): string {
  return JSON.stringify(clip(name, NAME_LIMIT));
}

function clip(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}…`;
}
