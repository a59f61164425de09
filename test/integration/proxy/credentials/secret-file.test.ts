import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../../common/clock.ts";
import { openLender } from "../../../../proxy/credentials/lender.ts";
import { readSecretFile, SECRET_LIMIT_BYTES } from "../../../../proxy/credentials/secret-file.ts";
import { aHead, A_BORROWER, credentialSettings, someGrants } from "../../../support/credentials.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "weir-secret-"));
  path = join(folder, "secret");
});
afterEach(async () => { await rm(folder, { recursive: true }); });

const write = async (content: string | Buffer, mode = 0o600) => { await writeFile(path, content, { mode }); };

describe("a file with a secret", () => {
  test.each([["\n", "abc\n"], ["\r\n", "abc\r\n"], ["nothing", "abc"]])("is read without the %j at its end", async (_name, content) => {
    await write(content);
    expect((await readSecretFile(path)).text).toBe("abc");
  });

  test("loses one line break, not all: a secret of two lines stays one of two lines, to be refused later", async () => {
    await write("abc\n\n");
    expect((await readSecretFile(path)).text).toBe("abc\n");
  });

  test.each([0o644, 0o640, 0o604, 0o660, 0o602])("is refused with mode %o", async (mode) => {
    await write("abc");
    await chmod(path, mode);
    await expect(readSecretFile(path)).rejects.toThrow(/^unsafe: .*chmod 600$/);
  });

  test.each([0o600, 0o400])("is read with mode %o", async (mode) => {
    await write("abc");
    await chmod(path, mode);
    expect((await readSecretFile(path)).text).toBe("abc");
  });

  test("is refused when it is a folder", async () => {
    await mkdir(path, { mode: 0o700 });
    await expect(readSecretFile(path)).rejects.toThrow("not a regular file");
  });

  test("is refused when it is a named pipe, at once", async () => {
    execFileSync("mkfifo", ["-m", "600", path]);
    await expect(readSecretFile(path)).rejects.toThrow("not a regular file");
  });

  test("is judged by what a link leads to", async () => {
    await write("abc", 0o644);
    await symlink(path, join(folder, "link"));
    await expect(readSecretFile(join(folder, "link"))).rejects.toThrow("mode 644");
  });

  test("is refused above its size limit, and read at it", async () => {
    await write("a".repeat(SECRET_LIMIT_BYTES));
    expect((await readSecretFile(path)).text).toHaveLength(SECRET_LIMIT_BYTES);
    await write("a".repeat(SECRET_LIMIT_BYTES + 1));
    await expect(readSecretFile(path)).rejects.toThrow("oversized");
  });

  test("is refused when it is not text", async () => {
    await write(Buffer.from([0x61, 0xff, 0xfe]));
    await expect(readSecretFile(path)).rejects.toThrow("not UTF-8");
  });
});

describe("a grant of a file", () => {
  const open = () => {
    const grants = someGrants({ key: { credential: { type: "file", path }, bind: { hosts: ["api.example.test"] } } });
    const lender = openLender({ grants, credentials: credentialSettings({ failureTtlMs: 0 }) }, { environment: {} }, systemClock);
    return async () => (await lender.lend(["key"], A_BORROWER, aHead(), new AbortController().signal)).headers[0]?.[1].reveal();
  };

  test("is lent in its new form at once when the file is replaced, within the time to live", async () => {
    await write("first-secret");
    const lend = open();
    expect(await lend()).toBe("Bearer first-secret");
    await writeFile(join(folder, "next"), "other-secret", { mode: 0o600 });
    await rename(join(folder, "next"), path);
    expect(await lend()).toBe("Bearer other-secret");
  });

  test("is lent no more once the file is open to others, or gone", async () => {
    await write("first-secret");
    const lend = open();
    await lend();
    await chmod(path, 0o644);
    await expect(lend()).rejects.toMatchObject({ code: "credential.unavailable" });
    await chmod(path, 0o600);
    expect(await lend()).toBe("Bearer first-secret");
    await rm(path);
    await expect(lend()).rejects.toMatchObject({ code: "credential.unavailable" });
  });
});
