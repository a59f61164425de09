import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeDurably } from "../../../common/durable-file.ts";
import { aFolder } from "../../policy/folders.ts";

test("a file is replaced as a whole, and is its owner's alone, folder included", async () => {
  const path = join(await aFolder({}), "state", "one.json");
  await writeDurably(path, "first");
  await writeDurably(path, Buffer.from("second"));
  expect(await readFile(path, "utf8")).toBe("second");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(join(path, ".."))).mode & 0o777).toBe(0o700);
  expect(await readdir(join(path, ".."))).toEqual(["one.json"]);
});

test("what a crash left half written is in nobody's way", async () => {
  const folder = await aFolder({ "one.json": "old", "one.json.new": "ha" });
  await writeDurably(join(folder, "one.json"), "new", 0o644);
  expect(await readFile(join(folder, "one.json"), "utf8")).toBe("new");
  expect((await stat(join(folder, "one.json"))).mode & 0o777).toBe(0o644);
});

test("a file that cannot be replaced keeps its content", async () => {
  const folder = await aFolder({ "one.json": "old" });
  await mkdir(join(folder, "one.json.new"));
  await writeFile(join(folder, "one.json.new", "x"), "");
  await expect(writeDurably(join(folder, "one.json"), "new")).rejects.toThrow("one.json.new");
  expect(await readFile(join(folder, "one.json"), "utf8")).toBe("old");
});
