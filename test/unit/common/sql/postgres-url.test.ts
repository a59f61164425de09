import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { UserError } from "../../../../common/exit-codes.ts";
import { readPostgresUrl } from "../../../../common/sql/postgres-url.ts";

async function inFile<T>(text: string, look: (path: string) => T): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "weir-url-"));
  try {
    await writeFile(join(folder, "url"), text);
    return look(join(folder, "url"));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("the URL is the file's one line", async () => {
  expect(await inFile("postgres://u:p@db/x?sslmode=verify-full\n", readPostgresUrl)).toBe("postgres://u:p@db/x?sslmode=verify-full");
  expect(await inFile("postgresql://u@db/x", readPostgresUrl)).toBe("postgresql://u@db/x");
});

test.each(["", "http://db/x", "postgres://a b", "postgres://a/b\npostgres://c/d"])("anything else is an error that does not repeat it: %j", async (text) => {
  const error: unknown = await inFile(text, (path) => {
    try {
      return readPostgresUrl(path);
    } catch (thrown) {
      return thrown;
    }
  });
  expect(error).toBeInstanceOf(UserError);
  if (text !== "") expect((error as UserError).message).not.toContain(text);
});
