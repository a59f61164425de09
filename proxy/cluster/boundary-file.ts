import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { BOUNDARY_LIMIT_BYTES } from "../../common/boundary-set.ts";

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
  const folder = dirname(path);
  const fresh = `${path}.new`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await rm(fresh, { force: true });
  const file = await open(fresh, "wx", 0o600);
  try {
    await file.writeFile(JSON.stringify({ binaryData }));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
  await using entry = await open(folder, "r");
  await entry.sync();
}
