import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readOrMakePrivateFile } from "../../../common/private-file.ts";

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), "weir-private-")); });
afterEach(() => { rmSync(folder, { recursive: true, force: true }); });

describe("readOrMakePrivateFile", () => {
  test("makes the file once, for its owner alone, and leaves nothing else", async () => {
    const path = join(folder, "keys", "key");
    expect(await readOrMakePrivateFile(path, async () => "first")).toBe("first");
    expect(await readOrMakePrivateFile(path, async () => "second")).toBe("first");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, "keys"))).toEqual(["key"]);
  });

  test("gives all who make it at once the same text", async () => {
    const path = join(folder, "key");
    const texts = await Promise.all(Array.from({ length: 10 }, async (_, at) => readOrMakePrivateFile(path, async () => `text ${at}`)));
    expect(new Set(texts).size).toBe(1);
  });

  test("refuses a file that others may read, and says how to mend it", async () => {
    const path = join(folder, "key");
    await readOrMakePrivateFile(path, async () => "text");
    chmodSync(path, 0o640);
    await expect(readOrMakePrivateFile(path, async () => "text")).rejects.toMatchObject({ name: "UserError", hint: expect.stringContaining("chmod 600") });
  });

  test("says which file cannot be made", async () => {
    await readOrMakePrivateFile(join(folder, "key"), async () => "text");
    await expect(readOrMakePrivateFile(join(folder, "key", "below"), async () => "text")).rejects.toMatchObject({ name: "UserError", message: expect.stringContaining("below") });
  });
});
