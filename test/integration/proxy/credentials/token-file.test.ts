import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readTokenFile } from "../../../../proxy/credentials/token-file.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "weir-token-"));
  path = join(folder, "token");
});
afterEach(async () => { await rm(folder, { recursive: true }); });

test("a token is read as the kubelet writes it, readable by others, with a line break at its end", async () => {
  await writeFile(path, "eyJh.eyJz.c2ln\n");
  await chmod(path, 0o644);
  expect((await readTokenFile(path)).reveal()).toBe("eyJh.eyJz.c2ln");
});

test.each([
  ["nothing", "", "malformed"], ["no token", "-----BEGIN KEY-----\n", "malformed"], ["two tokens", "a.b.c\na.b.c", "malformed"], ["too much", "a".repeat(8_193), "oversized"],
])("%s is refused", async (_what, text, fault) => {
  await writeFile(path, text);
  await expect(readTokenFile(path)).rejects.toMatchObject({ fault });
});

test("a file that is not there is missing", async () => {
  await expect(readTokenFile(path)).rejects.toMatchObject({ fault: "missing" });
});
