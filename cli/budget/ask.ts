import type { Readable, Writable } from "node:stream";
import { createInterface } from "node:readline/promises";

/** Asks a person one question. @returns the answer without blanks around it; null where nobody can answer */
export type Ask = (question: string) => Promise<string | null>;

/** Asks on the second of these, standard error, so that the result on standard output stays clean; only if both are a terminal. */
export function askAt(input: Readable & { readonly isTTY?: boolean } = process.stdin, output: Writable & { readonly isTTY?: boolean } = process.stderr): Ask {
  return async (question) => {
    if (input.isTTY !== true || output.isTTY !== true) return null;
    const lines = createInterface({ input, output });
    try {
      return (await lines.question(question)).trim();
    } finally {
      lines.close();
    }
  };
}
