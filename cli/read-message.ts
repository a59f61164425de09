import type { Readable } from "node:stream";
import { EXIT, UserError } from "../common/exit-codes.ts";

/** What the controller takes as one message. */
const MESSAGE_LIMIT_BYTES = 256 << 10;

/** Standard input, as far as a message needs it. */
export type Input = Readable & { readonly isTTY?: boolean };

/**
 * The message of a command: its argument, or standard input if that is missing or `-`.
 * @throws UserError if there is none, or it is longer than any message may be, or no text
 */
export async function readMessage(argument: string | undefined, input: Input = process.stdin): Promise<string> {
  const isFromInput = argument === undefined || argument === "-";
  if (isFromInput && input.isTTY === true) {
    throw new UserError("there is no message", "Give it as an argument, or by a pipe: `git diff | weir threads send THREAD`.", EXIT.usage);
  }
  const text = isFromInput ? await readAll(input) : argument;
  if (text.trim() === "") {
    throw new UserError("the message is empty", "Give it as an argument, or by a pipe: `git diff | weir threads send THREAD`.", EXIT.usage);
  }
  if (Buffer.byteLength(text) > MESSAGE_LIMIT_BYTES) throw tooLong();
  return text;
}

async function readAll(input: Input): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > MESSAGE_LIMIT_BYTES) throw tooLong();
    chunks.push(chunk);
  }
  try {
    // The line break at its end is the pipe's, not the message's.
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks)).replace(/\r?\n$/, "");
  } catch (cause) {
    throw new UserError("the message is not UTF-8 text", "A message is text; put files into the thread's volume.", EXIT.usage, { cause });
  }
}

function tooLong(): UserError {
  return new UserError(
    `the message is longer than ${MESSAGE_LIMIT_BYTES >> 10} KiB`, "Put what is long into the thread's volume, and say where it is.", EXIT.usage,
  );
}
