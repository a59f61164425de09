import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findOrphanedBooks, LeaseBook } from "../../../../../proxy/credentials/leases/lease-book.ts";
import { readBook } from "../../../../../proxy/credentials/leases/lease-lines.ts";

const leaseOf = (id: string) => ({ kind: "vault-lease", id }) as const;
const OWNER = { grant: "db", instance: "i1" };

describe("a lease book", () => {
  let directory: string;
  let book: LeaseBook;
  beforeEach(() => {
    directory = join(mkdtempSync(join(tmpdir(), "weir-leases-")), "leases");
    book = new LeaseBook(directory, "https://store.test/");
  });
  afterEach(async () => {
    await book.close();
    rmSync(join(directory, ".."), { recursive: true });
  });
  const file = () => join(directory, readdirSync(directory).find((name) => name.endsWith(".book")) ?? "");
  const onDisk = () => readBook(readFileSync(file(), "utf8")).map(({ id }) => id);

  test("has on the disk what is out, as soon as it says so, for its owner alone to read", async () => {
    await book.enter(leaseOf("a"), OWNER, 1);
    await book.enter(leaseOf("b"), OWNER, 2);
    await book.strike(leaseOf("a"));
    expect(onDisk()).toEqual(["b"]);
    expect(readBook(readFileSync(file(), "utf8"))[0]).toEqual({ id: "b", kind: "vault-lease", store: "https://store.test/", grant: "db", instance: "i1", atMs: 2 });
    expect([statSync(file()).mode & 0o777, statSync(directory).mode & 0o777]).toEqual([0o600, 0o700]);
  });

  test("writes what comes at once together, and loses none of it", async () => {
    const ids = Array.from({ length: 500 }, (_, index) => `lease-${index}`);
    await Promise.all(ids.map(async (id) => book.enter(leaseOf(id), OWNER, 1)));
    expect(onDisk().toSorted()).toEqual(ids.toSorted());
  });

  test("does not grow with what was struck", async () => {
    for (let index = 0; index < 60; index += 1) {
      await Promise.all(Array.from({ length: 100 }, async (_, at) => book.enter(leaseOf(`${index}-${at}`), OWNER, 1)));
      await Promise.all(Array.from({ length: 100 }, async (_, at) => book.strike(leaseOf(`${index}-${at}`))));
    }
    await book.enter(leaseOf("last"), OWNER, 1);
    expect(readFileSync(file(), "utf8").split("\n").length).toBeLessThan(6_000);
    expect(onDisk()).toEqual(["last"]);
  });

  test("leaves nothing behind when all is given back, or nothing was leased", async () => {
    await book.close();
    expect(() => readdirSync(directory)).toThrow("ENOENT");
    const other = new LeaseBook(directory, "s");
    await other.enter(leaseOf("a"), OWNER, 1);
    await other.strike(leaseOf("a"));
    await other.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  test("is nobody's orphan while its process lives, and one when it is gone", async () => {
    await book.enter(leaseOf("a"), OWNER, 1);
    expect(findOrphanedBooks(directory)).toEqual([]);
    await book.close();
    const found = findOrphanedBooks(directory);
    expect(found.map(({ path }) => path)).toEqual([file()]);
    expect(findOrphanedBooks(directory)).toEqual([]);
    for (const { unlock } of found) unlock();
    expect(findOrphanedBooks(join(directory, "nothing"))).toEqual([]);
  });

  test("that a crash kept from being finished is taken away", () => {
    mkdirSync(directory);
    for (const name of ["x.lock", "x.book.new"]) writeFileSync(join(directory, name), "half");
    expect([findOrphanedBooks(directory), readdirSync(directory)]).toEqual([[], []]);
  });
});
