import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FileSource } from "../../../../proxy/credentials/providers/file.ts";

const PAIR = JSON.stringify({ Version: 1, AccessKeyId: "AKIAEXAMPLE", SecretAccessKey: "secret-of-the-test" });
const FIELDS = { accessKeyId: "AccessKeyId", secretAccessKey: "SecretAccessKey" };

test("a file with fields gives several values; without, it is one secret as it stands", async () => {
  const folder = mkdtempSync(join(tmpdir(), "weir-values-"));
  try {
    const path = join(folder, "aws");
    writeFileSync(path, PAIR, { mode: 0o600 });
    const named = await new FileSource({ type: "file", path, fields: FIELDS }).fetch();
    const whole = await new FileSource({ type: "file", path }).fetch();
    expect(Object.keys(named.values)).toStrictEqual(["accessKeyId", "secretAccessKey"]);
    expect(whole.values.value?.reveal()).toBe(PAIR);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
