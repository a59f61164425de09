import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { EXIT, UserError } from "./exit-codes.ts";

/**
 * Reads a file that only its owner may read, or makes it: mode 0600 in a folder of mode 0700, whole or not at all, and the same one for
 * all processes that make it at once. For keys.
 * @param make its text, asked only if the file is missing
 * @throws UserError if others may read the file, or it cannot be read or made
 */
export async function readOrMakePrivateFile(path: string, make: () => Promise<string>): Promise<string> {
  try {
    return readPrivateFile(path) ?? await makePrivateFile(path, await make());
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`cannot use the private file ${path}: ${(error as Error).message}`, "Check the owner and the rights of its folder.", EXIT.config, { cause: error });
  }
}

function readPrivateFile(path: string): string | null {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return null;
  if ((stats.mode & 0o077) !== 0) throw new UserError(`others may read the private file ${path}`, `Take that right away: chmod 600 ${path}`, EXIT.config);
  return readFileSync(path, "utf8");
}

/** A link, unlike a rename, fails if the name was taken meanwhile: then the other process's file counts. */
async function makePrivateFile(path: string, text: string): Promise<string> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  writeFileSync(draft, text, { mode: 0o600, flag: "wx", flush: true });
  try {
    linkSync(draft, path);
    return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return readPrivateFile(path) ?? text;
  } finally {
    unlinkSync(draft);
  }
}
