import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const ROOT = "/sys/fs/cgroup";
/** What the kubelet looks for, each a hierarchy of its own in version 1. */
const HIERARCHIES = ["blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids", "systemd"];
/** Version 2 beside them, where it is mounted: runc joins it, too. */
const UNIFIED = "unified";
const INHERITED = ["cpuset.cpus", "cpuset.mems"];
const POLL_MS = 50;
const EMPTY_DEADLINE_MS = 10_000;

/** Makes the cgroup below which all pods of a lab are, after removing what a crashed one left. */
export async function makeCgroup(name: string): Promise<void> {
  await removeCgroup(name);
  for (const hierarchy of HIERARCHIES) await mkdir(join(ROOT, hierarchy, name));
  // An empty cpuset takes no process; a new one is empty.
  for (const file of INHERITED) await writeFile(join(ROOT, "cpuset", name, file), await readFile(join(ROOT, "cpuset", file)));
}

/** A process of the pod with this UID, by its id on this machine: all of them share one network. @throws Error if none runs */
export async function processOf(name: string, podUid: string): Promise<number> {
  const folder = join(ROOT, "pids", name);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isDirectory() || !entry.parentPath.endsWith(`pod${podUid}`)) continue;
    const [pid] = (await readFile(join(entry.parentPath, entry.name, "cgroup.procs"), "utf8")).split("\n");
    if (pid !== undefined && pid !== "") return Number(pid);
  }
  throw new Error(`no process of pod ${podUid}`);
}

/** Removes the cgroup and all below it. Its processes must be gone, or on their way. @throws Error if one stays for 10 s */
export async function removeCgroup(name: string): Promise<void> {
  const deadline = AbortSignal.timeout(EMPTY_DEADLINE_MS);
  for (const hierarchy of [...HIERARCHIES, UNIFIED]) {
    const folder = join(ROOT, hierarchy, name);
    for (let error = await removeTree(folder); error !== null; error = await removeTree(folder)) {
      if (deadline.aborted) throw new Error(`${folder} is still in use`, { cause: error });
      await pause(POLL_MS);
    }
  }
}

/** Children first: a cgroup with children cannot be removed, and its files cannot be removed at all. */
async function removeTree(folder: string): Promise<Error | null> {
  try {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const error = entry.isDirectory() ? await removeTree(join(folder, entry.name)) : null;
      if (error !== null) return error;
    }
    await rmdir(folder);
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? null : error as Error;
  }
}
