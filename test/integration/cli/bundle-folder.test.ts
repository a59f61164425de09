import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BundleFolder } from "../../../cli/policy/bundle-folder.ts";
import { aFolder } from "../../policy/folders.ts";

test("however many read a bundle at once, one copy of it is held; one that replaces it is read anew", async () => {
  const directory = await aFolder({ "p.tar.gz": "first" });
  const folder = new BundleFolder(directory);
  await folder.read("p.tar.gz");
  const copies = new Set((await Promise.all(Array.from({ length: 50 }, () => folder.read("p.tar.gz")))).map((stored) => stored?.packed));
  expect(copies.size).toBe(1);
  await writeFile(join(directory, "draft"), "second");
  await rename(join(directory, "draft"), join(directory, "p.tar.gz"));
  expect((await folder.read("p.tar.gz"))?.packed.toString()).toBe("second");
});
