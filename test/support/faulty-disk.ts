import { openDiskFile, type DiskFile, type OpenDiskFile } from "../../proxy/audit/disk-file.ts";

/** A real disk whose calls a test can make fail or hang; whole again at any time. */
export class FaultyDisk {
  /** Thrown by the calls of this name while set. */
  readonly faults: Partial<Record<"append" | "sync" | "truncate" | "open", Error>> = {};
  /** While set, a sync waits for it first. */
  hang: Promise<void> | null = null;
  /** How often a file was asked for. */
  opens = 0;

  readonly open: OpenDiskFile = async (path, mode) => {
    this.opens += 1;
    this.#check("open");
    const file = await openDiskFile(path, mode);
    return {
      append: async (bytes) => {
        if (this.faults.append !== undefined) await file.append(bytes.subarray(0, Math.floor(bytes.length / 2)));
        this.#check("append");
        await file.append(bytes);
      },
      sync: async () => {
        await this.hang;
        this.#check("sync");
        await file.sync();
      },
      truncate: async (lengthBytes) => {
        this.#check("truncate");
        await file.truncate(lengthBytes);
      },
      close: async () => file.close(),
    } satisfies DiskFile;
  };

  fail(call: keyof FaultyDisk["faults"], code: string): void {
    this.faults[call] = Object.assign(new Error(`${code}: injected`), { code });
  }

  mend(): void {
    for (const call of Object.keys(this.faults) as (keyof FaultyDisk["faults"])[]) delete this.faults[call];
  }

  #check(call: keyof FaultyDisk["faults"]): void {
    const fault = this.faults[call];
    if (fault !== undefined) throw fault;
  }
}
