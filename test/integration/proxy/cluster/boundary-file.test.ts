import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BOUNDARY_LIMIT_BYTES } from "../../../../common/boundary-set.ts";
import { keep, readKept } from "../../../../proxy/cluster/boundary-file.ts";

const ONE = { "bundle.tar.gz": "b25l", "boundary.json.gz": "b25l" };
const TWO = { "bundle.tar.gz": "dHdv", "boundary.json.gz": "dHdv" };
let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weir-kept-"));
  path = join(folder, "boundary", "boundary.json");
});
afterEach(() => { rmSync(folder, { recursive: true }); });

describe("the kept boundary", () => {
  test("is nothing before there was one", async () => {
    expect(await readKept(path)).toBeNull();
  });

  test("is what was kept last, in one file that nobody else reads", async () => {
    await keep(path, ONE);
    await keep(path, TWO);
    expect(await readKept(path)).toEqual({ binaryData: TWO });
    expect(readdirSync(join(folder, "boundary"))).toEqual(["boundary.json"]);
    expect([statSync(path).mode & 0o777, statSync(join(folder, "boundary")).mode & 0o777]).toEqual([0o600, 0o700]);
  });

  test("is the one before if the proxy died while it wrote the next", async () => {
    await keep(path, ONE);
    writeFileSync(`${path}.new`, '{"binaryData": {"bundle');
    chmodSync(`${path}.new`, 0o400);
    expect(await readKept(path)).toEqual({ binaryData: ONE });
    await keep(path, TWO);
    expect(await readKept(path)).toEqual({ binaryData: TWO });
  });

  test("is taken to the limit of what a ConfigMap holds", async () => {
    const large = { "bundle.tar.gz": Buffer.alloc(BOUNDARY_LIMIT_BYTES).toString("base64"), "boundary.json.gz": "" };
    await keep(path, large);
    expect(await readKept(path)).toEqual({ binaryData: large });
  });

  test("is not read if it is cut off, or longer than it can be", async () => {
    await keep(path, ONE);
    truncateSync(path, readFileSync(path).byteLength - 1);
    await expect(readKept(path)).rejects.toThrow(SyntaxError);
    truncateSync(path, 2 * BOUNDARY_LIMIT_BYTES + 1);
    await expect(readKept(path)).rejects.toThrow(/larger than/);
  });
});
