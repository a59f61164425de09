import { readFile, stat } from "node:fs/promises";
import { BOUNDARY_LIMIT_BYTES } from "../../common/boundary-set.ts";
import { writeDurably } from "../../common/durable-file.ts";

/** base64 adds a third; names and braces are little. */
const FILE_LIMIT_BYTES = 2 * BOUNDARY_LIMIT_BYTES;

/** @returns the content that was kept last, to be read as strictly as when it came; null if nothing was ever kept @throws if it cannot be read */
export async function readKept(path: string): Promise<unknown> {
  try {
    const { size } = await stat(path);
    if (size > FILE_LIMIT_BYTES) throw new Error(`${path} is larger than ${FILE_LIMIT_BYTES} bytes`);
    return JSON.parse(await readFile(path, "utf8")) as unknown;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Keeps bundle and set in one file, so that no crash can leave the one of today beside the other of yesterday. Durable when it resolves. */
export async function keep(path: string, binaryData: unknown): Promise<void> {
  await writeDurably(path, JSON.stringify({ binaryData }));
}
