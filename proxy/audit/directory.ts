import { chmod, mkdir, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../common/exit-codes.ts";

/** Names in the folder of a chain. */
export const NAMES = {
  lock: "lock",
  checkpoints: "checkpoints",
  signingKey: "signing.key",
  publicKeys: "signing.pub",
  cursors: "cursors",
} as const;

const SEGMENT_NAME = /^segment-(\d{16})\.jsonl$/;

/** One file of the chain; `first` is the sequence of its first record. */
export interface Segment {
  readonly first: number;
  readonly path: string;
}

export function segmentPath(directory: string, first: number): string {
  return join(directory, `segment-${String(first).padStart(16, "0")}.jsonl`);
}

/** The segments of a chain in order; empty if the folder does not exist. */
export async function listSegments(directory: string): Promise<Segment[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names.flatMap((name) => {
    const first = SEGMENT_NAME.exec(name)?.[1];
    return first === undefined ? [] : [{ first: Number(first), path: join(directory, name) }];
  }).sort((left, right) => left.first - right.first);
}

/** Makes the folder if needed and takes every right from group and others. @throws UserError if it is not ours to use */
export async function openPrivateDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await chmod(path, 0o700);
  } catch (error) {
    throw new UserError(`cannot use ${path} for the audit chain: ${(error as Error).message}`,
      "Choose a folder that this user owns with `audit.directory`.", undefined, { cause: error });
  }
}

/** Makes the names in a folder durable: a file that was created or renamed can otherwise vanish with the power. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
