import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { NAMES, syncDirectory } from "../directory.ts";

const cursorShape = z.strictObject({
  chainUid: z.uuid(),
  /** Records that are safe at the receiver: the sequence of the next one to send. */
  records: z.number().int().nonnegative(),
  /** Where that record is, or will be. */
  segmentFirst: z.number().int().nonnegative(),
  offset: z.number().int().nonnegative(),
});
export type Cursor = z.output<typeof cursorShape>;

/** Where a sink stands, kept in a file of its own. A cursor that cannot be read counts as none: everything is sent again, nothing is left out. */
export class CursorFile {
  readonly #path: string;

  constructor(directory: string, sinkName: string) {
    this.#path = join(directory, NAMES.cursors, `${sinkName}.json`);
  }

  async read(): Promise<Cursor | null> {
    try {
      return cursorShape.parse(JSON.parse(await readFile(this.#path, "utf8")));
    } catch {
      return null;
    }
  }

  /** Replaces the file as one step that survives a crash. */
  async write(cursor: Cursor): Promise<void> {
    const directory = dirname(this.#path);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const file = await open(`${this.#path}.new`, "w", 0o600);
    try {
      await file.writeFile(JSON.stringify(cursor));
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(`${this.#path}.new`, this.#path);
    await syncDirectory(directory);
  }
}
