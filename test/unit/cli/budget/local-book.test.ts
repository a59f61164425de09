import { describe, expect, test } from "vitest";
import { localBook, type RecordAdjustment } from "../../../../cli/budget/local-book.ts";
import { EXIT } from "../../../../common/exit-codes.ts";
import { AmountUnfit, LedgerUnavailable, type Adjustment, type LedgerStore } from "../../../../common/ledger/ledger-store.ts";
import { standing } from "../../../support/budget-book.ts";

interface Stage {
  readonly said: string[];
  readonly adjusted: Adjustment[];
  readonly book: ReturnType<typeof localBook>;
}

function stage(over: Partial<LedgerStore> = {}, record?: RecordAdjustment): Stage {
  const [said, adjusted]: [string[], Adjustment[]] = [[], []];
  const store: LedgerStore = {
    acquire: async () => { throw new Error("not asked"); }, report: async () => { throw new Error("not asked"); }, slicesOf: async () => [],
    standings: async () => [standing()],
    adjust: async (adjustment) => {
      said.push("adjusted");
      adjusted.push(adjustment);
      return [standing({ limit: 22_000_000_000n, topUp: 2_000_000_000n })];
    },
    close: async () => undefined, ...over,
  };
  const keep: RecordAdjustment = async (event, fields) => { said.push(`${event} ${JSON.stringify(fields)}`); };
  return { said, adjusted, book: localBook(store, [], record ?? keep) };
}

const ORDER = { budget: "team-a", why: "release", kind: "topup", amount: 2_000_000_000n } as const;

describe("the ledger of one machine", () => {
  test("is changed between two records: the order before, and what came of it", async () => {
    const { said, adjusted, book } = stage();
    await book.adjust(ORDER, [standing()]);
    expect(said).toEqual([
      expect.stringMatching(/^budget\.adjust-ordered .*"by":"[^"]+@[^"]+","why":"release".*"amount":"2000000000","before":"counts 1, limit 20000000000, spent 5000000001/),
      "adjusted",
      expect.stringMatching(/^budget\.adjusted .*"after":"counts 1, limit 22000000000/),
    ]);
    expect(adjusted).toMatchObject([{ ...ORDER, by: expect.stringContaining("@") as string }]);
  });

  test("is not changed if the order cannot be recorded", async () => {
    const { adjusted, book } = stage({}, async () => { throw new Error("disk full"); });
    await expect(book.adjust(ORDER, [])).rejects.toThrow("disk full");
    expect(adjusted).toEqual([]);
  });

  test("that does not answer is said to be unavailable, and nothing is said to be done", async () => {
    const { said, book } = stage({ adjust: async () => { throw new LedgerUnavailable("no answer"); } });
    await expect(book.adjust(ORDER, [])).rejects.toMatchObject({ exitCode: EXIT.unavailable });
    expect(said).toEqual([expect.stringContaining("budget.adjust-ordered") as string]);
  });

  test("says so when a top-up comes to more than it keeps", async () => {
    const { book } = stage({ adjust: async () => { throw new AmountUnfit(); } });
    await expect(book.adjust(ORDER, [])).rejects.toMatchObject({ exitCode: EXIT.usage, message: expect.stringContaining("the sum is more than a ledger keeps") as string });
  });
});
