import { rm } from "node:fs/promises";
import type { Batch } from "./batch-queue.ts";
import { segmentPath, syncDirectory } from "./directory.ts";
import type { DiskFile, OpenDiskFile } from "./disk-file.ts";

/** Writes batches to the segment files of one folder, one at a time. Every failure poisons the open file until `abandon` has cleaned it. */
export class SegmentWriter {
  readonly #directory: string;
  readonly #openFile: OpenDiskFile;
  #file: DiskFile | null = null;
  #first = 0;
  /** Up to here the open file is known to be on the device. */
  #durableBytes = 0;

  constructor(directory: string, openFile: OpenDiskFile) {
    this.#directory = directory;
    this.#openFile = openFile;
  }

  get position(): { readonly segmentFirst: number; readonly offset: number } {
    return { segmentFirst: this.#first, offset: this.#durableBytes };
  }

  /** Goes on behind the given length of a segment that exists; what lies beyond is cut off. */
  async extend(first: number, lengthBytes: number): Promise<void> {
    const file = await this.#openFile(segmentPath(this.#directory, first), "extend");
    this.#file = file;
    this.#first = first;
    this.#durableBytes = lengthBytes;
    await file.truncate(lengthBytes);
    await file.sync();
  }

  /** Resolves when the batch is on the device. */
  async write(batch: Batch): Promise<void> {
    if (batch.opensSegment !== null) await this.#create(batch.opensSegment);
    if (this.#file === null) throw new Error("no segment is open");
    const bytes = Buffer.from(batch.entries.map((entry) => entry.link?.line).join(""));
    await this.#file.append(bytes);
    await this.#file.sync();
    this.#durableBytes += bytes.length;
  }

  /**
   * Cuts the poisoned file back to what is known to be durable and lets go of it. A later sync of the same file proves nothing: the kernel
   * reports a failed write-back once and then forgets it.
   */
  async abandon(): Promise<void> {
    if (this.#file === null) return;
    if (this.#durableBytes === 0) {
      await rm(segmentPath(this.#directory, this.#first), { force: true });
    } else {
      await this.#file.truncate(this.#durableBytes);
      await this.#file.sync();
    }
    await this.#close();
  }

  async close(): Promise<void> {
    await this.#close();
  }

  async #create(first: number): Promise<void> {
    await this.#close();
    this.#first = first;
    this.#durableBytes = 0;
    this.#file = await this.#openFile(segmentPath(this.#directory, first), "create");
    await syncDirectory(this.#directory);
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close().catch(() => undefined);
  }
}
