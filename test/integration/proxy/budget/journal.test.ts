import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { budgetConfig } from "../../../../proxy/budget/config.ts";
import { FileJournal } from "../../../../proxy/budget/journal/file-journal.ts";
import { readJournal } from "../../../../proxy/budget/journal/journal-lines.ts";
import { JournalBroken } from "../../../../proxy/budget/journal/journal.ts";
import { Slice } from "../../../../proxy/budget/slice.ts";
import { testLedger } from "../../../support/budget-ledger.ts";
import { TestClock } from "../../../support/test-clock.ts";

const NEVER = new AbortController().signal;
const HEAD = { format: 1, holder: "h", boot: "b", ledger: "test" } as const;
const agent = { namespace: "local", name: "a", thread: "t", instance: "i", user: "", labels: {}, chain: [] };

let folder: string;
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), "weir-journal-")); });
afterEach(async () => { await rm(folder, { recursive: true }); });

function slice(key = "k"): Slice {
  const one = new Slice(key, 0, null);
  one.grow(1_000_000n);
  return one;
}

describe("the journal", () => {
  test("has what is open before anybody is told that it is held", async () => {
    const path = join(folder, "j", "h.journal");
    const journal = new FileJournal(path, HEAD);
    const one = slice();
    one.reserve(7n);
    journal.touch(one);
    await journal.written();
    expect(readJournal(readFileSync(path, "utf8"))).toMatchObject({ kind: "read", slices: [{ key: "k", used: 0n, top: 7n }] });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    journal.close(false);
  });

  test("is written anew when it has grown large, with what each slice came to", async () => {
    const path = join(folder, "h.journal");
    const journal = new FileJournal(path, HEAD);
    const slices = Array.from({ length: 50 }, (_none, index) => slice(`["budget-${index}"]`));
    for (let round = 1; round <= 1_500; round += 1) {
      for (const one of slices) {
        one.reserve(1n);
        one.settle(1n, 1n, 0n);
        journal.touch(one);
      }
      journal.cover();
    }
    const read = readJournal(readFileSync(path, "utf8"));
    expect(statSync(path).size).toBeLessThan(1.1 * 2 ** 20);
    expect(read.kind === "read" && read.slices.every(({ used, top }) => used === 1_500n && top === 1_500n)).toBe(true);
    journal.close(true);
    expect(() => statSync(path)).toThrow("ENOENT");
  });

  test("goes on with a whole file after a disk that took nothing has room again", async () => {
    const place = join(folder, "place");
    writeFileSync(place, "a file where the folder should be");
    const journal = new FileJournal(join(place, "h.journal"), HEAD);
    const one = slice();
    one.reserve(3n);
    journal.touch(one);
    await expect(journal.written()).rejects.toThrow(JournalBroken);
    rmSync(place);
    await journal.written();
    expect(readJournal(readFileSync(join(place, "h.journal"), "utf8"))).toMatchObject({ kind: "read", slices: [{ top: 3n }] });
    journal.close(false);
  });
});

describe("a ledger whose journal cannot be written", () => {
  test("admits nothing and holds nothing; with a disk that takes it, it does", async () => {
    const place = join(folder, "place");
    writeFileSync(place, "a file where the folder should be");
    const journal = new FileJournal(join(place, "h.journal"), HEAD);
    const ledger = testLedger(budgetConfig.parse({ perAgent: { requests: 5 } }), new TestClock(), { journal, timing: { deadlineMs: 20 } });
    const reserve = async (id: string) => ledger.reserve({ id, agent, budgets: [], amounts: { requests: 1n } }, NEVER);
    await expect(reserve("1")).rejects.toMatchObject({ code: "budget.unavailable" });
    rmSync(place);
    await reserve("2");
    expect(ledger.standing(agent)["agent.requests"]).toMatchObject({ reserved: 1 });
    await ledger.close();
  });

  test("admits nothing where nobody may make a file, root included", async () => {
    const ledger = testLedger(budgetConfig.parse({ perAgent: { requests: 5 } }), new TestClock(), { journal: new FileJournal("/sys/weir/h.journal", HEAD), timing: { deadlineMs: 20 } });
    await expect(ledger.reserve({ id: "1", agent, budgets: [], amounts: { requests: 1n } }, NEVER)).rejects.toMatchObject({ code: "budget.unavailable" });
    await ledger.close();
  });
});
