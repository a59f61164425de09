import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { readFileSync } from "node:fs";

/** How one attempt ended. */
export interface Attempt {
  readonly name: string;
  /** A regular expression; `ok` says whether the outcome matches it. */
  readonly expect: string;
  readonly outcome: string;
  readonly ok: boolean;
}

export interface AttemptSettings {
  readonly mode: "pod" | "local";
  readonly node: Readonly<Record<"4" | "6", string>>;
  readonly own: Readonly<Record<"4" | "6", string>>;
  readonly device: string;
  readonly port: number;
  readonly paths: readonly string[];
  readonly abstract: readonly string[];
  /** More places to dial and to send datagrams to: name, address, port. */
  readonly targets?: readonly (readonly [string, string, number])[];
  /** Users to become. */
  readonly uids?: readonly number[];
  /** Bytes to say somewhere: name, address, port, hex. */
  readonly sayings?: readonly (readonly [string, string, number, string])[];
  /** All at the same time, without being driven. */
  readonly at_once?: boolean;
}

/** The program as one command line: its text is an argument, because the agent may not see the folder that it lies in. */
export function attemptsCommand(settings: AttemptSettings): string[] {
  return ["python3", "-c", readFileSync(new URL("attempts.py", import.meta.url), "utf8"), JSON.stringify(settings)];
}

/** Drives the program, one attempt at a time, so that the caller can look around between two. */
export async function* eachAttempt(input: Writable, output: Readable): AsyncGenerator<Attempt> {
  const lines: Interface = createInterface({ input: output });
  const answers = lines[Symbol.asyncIterator]();
  const first = await answers.next();
  if (first.done === true) throw new Error("the attempts did not start");
  const { count } = JSON.parse(first.value) as { count: number };
  for (let index = 0; index < count; index += 1) {
    input.write("next\n");
    const line = await answers.next();
    if (line.done === true) throw new Error(`the attempts ended after ${index} of ${count}`);
    yield JSON.parse(line.value) as Attempt;
  }
  input.end();
}
