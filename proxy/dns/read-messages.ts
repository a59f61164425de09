import type { Readable, Writable } from "node:stream";
import { EgressError } from "../errors.ts";
import { QUERY_LIMIT_BYTES } from "./wire.ts";

/** Gathers messages from a stream that puts a 16-bit length before each (RFC 7766 §8). Never holds more than one query and one chunk. */
export class MessageReader {
  #rest: Buffer = Buffer.alloc(0);

  /**
   * @returns the messages that are complete with these bytes
   * @throws EgressError `name.malformed` for a length that no query has; the stream cannot be read further
   */
  push(chunk: Buffer): Buffer[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const messages: Buffer[] = [];
    while (this.#rest.length >= 2) {
      const length = this.#rest.readUInt16BE(0);
      if (length > QUERY_LIMIT_BYTES) throw new EgressError("name.malformed", `a message of ${length} bytes`);
      const end = 2 + length;
      if (this.#rest.length < end) break;
      messages.push(this.#rest.subarray(2, end));
      this.#rest = this.#rest.subarray(end);
    }
    return messages;
  }
}

/** The messages of a stream, one after the other: the next is not read before the last was dealt with. Ends when the stream does, however. */
export async function* readMessages(stream: Readable): AsyncGenerator<Buffer, void, undefined> {
  const reader = new MessageReader();
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) yield* reader.push(chunk);
  } catch (error) {
    if (!stream.destroyed) throw error;
  }
}

/** Sends one message, and waits until it is on its way, so that a peer that does not read is not answered further. Never rejects. */
export async function writeMessage(stream: Writable, message: Buffer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.write(frame(message), () => { resolve(); });
  await promise;
}

/** A message as it goes onto such a stream. */
export function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}
