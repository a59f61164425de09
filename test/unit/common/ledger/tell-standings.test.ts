import { expect, test } from "vitest";
import { tellStandings } from "../../../../common/ledger/tell-standings.ts";
import { standing } from "../../../support/budget-book.ts";

test("a record tells in one line what all counts that are meant come to, exactly", () => {
  const two = [standing(), standing({ limit: 1n, lost: 7n }, { scope: "agent", shared: ["a", "b"] })];
  expect(tellStandings(two)).toBe("counts 2, limit 20000000000|1, spent 10000000002, held 2000000000, lost 7");
  expect(tellStandings([])).toBe("counts 0, limit , spent 0, held 0, lost 0");
});
