import { constants, fstatSync, statSync, type Stats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { SourceError } from "./secret-source.ts";

/** Largest file taken for a secret, in bytes. */
export const SECRET_LIMIT_BYTES = 64 * 1024;

/** Readable by its owner alone; owner-executable is pointless but harmless. */
const OTHERS_MASK = 0o077;

/**
 * Reads a secret from a file that only its owner can read. One line break at the end is taken off: editors and `echo` add it.
 * @returns the text, and a version that changes whenever the file does
 * @throws SourceError `missing`, `forbidden`, `unsafe` (mode, owner or kind of the file), `oversized`, `malformed` (empty, not UTF-8)
 */
export async function readSecretFile(path: string): Promise<{ readonly text: string; readonly version: string }> {
  const file = await openFile(path);
  try {
    const stats = fstatSync(file.fd);
    checkStats(path, stats);
    const text = decode(path, await readBounded(path, file)).replace(/\r?\n$/, "");
    if (text === "") throw new SourceError("malformed", `${path} is empty`);
    return { text, version: versionOf(stats) };
  } catch (error) {
    throw error instanceof SourceError ? error : new SourceError("unreachable", `${path} cannot be read (${codeOf(error)})`);
  } finally {
    await file.close();
  }
}

/** The version of the file now, or null if it cannot be looked at. Two microseconds: cheaper than any watcher that has to be trusted. */
export function fileVersion(path: string): string | null {
  try {
    return versionOf(statSync(path));
  } catch {
    return null;
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer and hold a thread.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") throw new SourceError("missing", `${path} does not exist`);
    if (code === "EACCES" || code === "EPERM") throw new SourceError("forbidden", `${path} may not be read`);
    throw new SourceError("unreachable", `${path} cannot be opened (${code})`);
  }
}

/** Looks at the file that is open, not at the path again: the two may differ. */
function checkStats(path: string, stats: Stats): void {
  if (!stats.isFile()) throw new SourceError("unsafe", `${path} is not a regular file`);
  if ((stats.mode & OTHERS_MASK) !== 0 && !isGivenByRoot(stats)) {
    throw new SourceError("unsafe", `${path} has mode ${(stats.mode & 0o777).toString(8)}; others may read it: chmod 600`);
  }
  const self = process.geteuid?.();
  if (self !== undefined && stats.uid !== self && stats.uid !== 0) throw new SourceError("unsafe", `${path} belongs to another user`);
}

/** As the kubelet mounts a Secret for one user of a pod: root's, read-only, for the one group of this process. */
function isGivenByRoot({ mode, uid, gid }: Stats): boolean {
  return (mode & 0o037) === 0 && uid === 0 && process.geteuid?.() !== 0 && gid !== 0 && (process.getgroups?.().includes(gid) === true || process.getegid?.() === gid);
}

async function readBounded(path: string, file: FileHandle): Promise<Buffer> {
  const buffer = Buffer.alloc(SECRET_LIMIT_BYTES + 1);
  let bytes = 0;
  while (bytes < buffer.byteLength) {
    const { bytesRead } = await file.read(buffer, bytes, buffer.byteLength - bytes, bytes);
    if (bytesRead === 0) return buffer.subarray(0, bytes);
    bytes += bytesRead;
  }
  throw new SourceError("oversized", `${path} is larger than ${SECRET_LIMIT_BYTES} bytes`);
}

function decode(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new SourceError("malformed", `${path} is not UTF-8 text`);
  }
}

/** The change time moves with the content, the mode and the owner; the inode with a rename over it (Kubernetes, Vault Agent). */
function versionOf(stats: Stats): string {
  return `${stats.ino.toString(36)}-${Math.round(stats.ctimeMs * 1000).toString(36)}-${stats.size.toString(36)}`;
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "unknown error";
}
