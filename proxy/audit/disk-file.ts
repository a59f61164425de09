import { close, constants, fdatasync, fstatSync, ftruncate, open, statSync, write } from "node:fs";
import { promisify } from "node:util";

/** An append-only file as the log needs it. A seam: tests put faults here that a healthy disk does not show. */
export interface DiskFile {
  /** Writes all bytes at the end of the file. @throws on any error, also after a part was written */
  append(bytes: Buffer): Promise<void>;
  /** Resolves when everything written before is on the device. @throws if the file is not at its path any more: nobody would find it */
  sync(): Promise<void>;
  truncate(lengthBytes: number): Promise<void>;
  close(): Promise<void>;
}

/** @param mode "create" fails if the file exists; "extend" fails if it does not */
export type OpenDiskFile = (path: string, mode: "create" | "extend") => Promise<DiskFile>;

const [openAsync, syncAsync, truncateAsync, closeAsync] = [promisify(open), promisify(fdatasync), promisify(ftruncate), promisify(close)];

const FLAGS = { create: constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL, extend: constants.O_WRONLY | constants.O_APPEND } as const;
/**
 * Linux: a write returns when its bytes are on the device (open(2): as if followed by fdatasync). Waking a thread of the pool costs more than the
 * system call that it makes, and so a batch wakes one, not two. Elsewhere the constant is missing, and `sync` does it.
 */
const WRITE_THROUGH: number | undefined = constants.O_DSYNC;

export const openDiskFile: OpenDiskFile = async (path, mode) => {
  const fd = await openAsync(path, FLAGS[mode] | (WRITE_THROUGH ?? 0), 0o600);
  const { ino } = fstatSync(fd);
  /** What a write through has not put on the device by itself: what was there before, and a new length. */
  let isBehind = true;
  return {
    append: async (bytes) => {
      for (let at = 0; at < bytes.length;) at += await writeSome(fd, bytes, at);
      isBehind ||= WRITE_THROUGH === undefined;
    },
    sync: async () => {
      if (isBehind) await syncAsync(fd);
      isBehind = false;
      if (statSync(path, { throwIfNoEntry: false })?.ino !== ino) throw new Error(`${path} was moved, removed or replaced while it was written`);
    },
    truncate: async (lengthBytes) => {
      isBehind = true;
      await truncateAsync(fd, lengthBytes);
    },
    close: async () => closeAsync(fd),
  };
};

/** The callback form: a promise for each call of `fs.promises` costs several times its system call on this path. */
async function writeSome(fd: number, bytes: Buffer, at: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  write(fd, bytes, at, bytes.length - at, null, (error, written) => { if (error === null) resolve(written); else reject(error); });
  return promise;
}
