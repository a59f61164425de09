import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Replaces a file as a whole: whoever reads it sees the old content or the new one, also after a crash, and what was written is durable when this resolves.
 * Its folder (mode 0700) is made if it is missing. One writer at a time.
 * @param mode of the file; default 0600
 */
export async function writeDurably(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const folder = dirname(path);
  const fresh = `${path}.new`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await rm(fresh, { force: true });
  const file = await open(fresh, "wx", mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
  await using entry = await open(folder, "r");
  await entry.sync();
}
