import { expect, test } from "vitest";
import type { Row, SqlDriver, Statements } from "../../../../common/sql/sql-driver.ts";
import { migrate } from "../../../../controller/threads/migrations.ts";

/** Writes down what it is asked, and knows one version of the schema. */
class Ledger implements SqlDriver {
  readonly asked: string[] = [];
  readonly #version: number;

  constructor(version: number) {
    this.#version = version;
  }

  async query(text: string): Promise<readonly Row[]> {
    this.asked.push(text);
    return text.includes("max(version)") ? [{ version: this.#version }] : [];
  }

  async transaction<T>(work: (statements: Statements) => Promise<T>): Promise<T> {
    this.asked.push("begin");
    return work(this);
  }

  async listen(): Promise<() => Promise<void>> {
    return async () => undefined;
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }
}

test("an empty database gets every step in one transaction, behind a lock", async () => {
  const ledger = new Ledger(0);
  await migrate(ledger);
  expect([ledger.asked[0], ledger.asked[1]]).toEqual(["begin", expect.stringContaining("pg_advisory_xact_lock")]);
  expect(ledger.asked.filter((text) => text.startsWith("create table threads"))).toHaveLength(1);
  expect(ledger.asked.at(-1)).toContain("insert into schema_migrations");
});

test("one that is up to date is left as it is", async () => {
  const before = new Ledger(0);
  await migrate(before);
  const steps = before.asked.filter((text) => text.startsWith("insert into schema_migrations")).length;
  const ledger = new Ledger(steps);
  await migrate(ledger);
  expect(ledger.asked.filter((text) => /^(create (table|index|unique)|insert|alter) (?!if not)/.test(text) && !text.includes("if not exists"))).toEqual([]);
});

test("one of a newer controller is not touched", async () => {
  const ledger = new Ledger(1_000);
  await expect(migrate(ledger)).rejects.toThrow("the database has schema 1000");
  expect(ledger.asked.filter((text) => text.startsWith("insert"))).toEqual([]);
});
