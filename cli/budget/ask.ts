import { createInterface } from "node:readline/promises";

/** Asks a person at the terminal one question. @returns the answer without blanks around it; null where nobody can answer */
export type Ask = (question: string) => Promise<string | null>;

/** Asks on standard error, so that the result on standard output stays clean. */
export const askAtTerminal: Ask = async (question) => {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return null;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await lines.question(question)).trim();
  } finally {
    lines.close();
  }
};
