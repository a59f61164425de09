import { open } from "node:fs/promises";

const CHUNK_BYTES = 256 * 1024;
/** Longest line that is read, in bytes; a record of ours is shorter than 64 KiB. */
export const LINE_LIMIT_BYTES = 1 << 20;

export interface StoredLine {
  /** Without its newline. */
  readonly bytes: Buffer;
  /** Where the line begins in its file, and where the next one does. */
  readonly offset: number;
  readonly nextOffset: number;
  /** False only for the last bytes of a file that do not end in a newline, and for a line over the limit, where reading ends. */
  readonly isWhole: boolean;
}

/**
 * The lines of a file from an offset on, with at most a chunk and a line in memory.
 * @param endOffset where to stop, for a file that is being written; it must be the end of a line
 */
export async function* readLines(path: string, fromOffset = 0, endOffset = Number.POSITIVE_INFINITY): AsyncGenerator<StoredLine> {
  const file = await open(path, "r");
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let rest = Buffer.alloc(0);
    let restOffset = fromOffset;
    while (rest.length <= LINE_LIMIT_BYTES) {
      const position = restOffset + rest.length;
      const want = Math.min(CHUNK_BYTES, endOffset - position);
      const bytesRead = want <= 0 ? 0 : (await file.read(chunk, 0, want, position)).bytesRead;
      if (bytesRead === 0) break;
      const held = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      let from = 0;
      for (let to = held.indexOf(10); to >= 0; to = held.indexOf(10, from)) {
        yield { bytes: held.subarray(from, to), offset: restOffset + from, nextOffset: restOffset + to + 1, isWhole: true };
        from = to + 1;
      }
      rest = held.subarray(from);
      restOffset += from;
    }
    if (rest.length > 0) yield { bytes: rest, offset: restOffset, nextOffset: restOffset + rest.length, isWhole: false };
  } finally {
    await file.close();
  }
}
