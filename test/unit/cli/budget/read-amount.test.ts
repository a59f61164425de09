import { describe, expect, test } from "vitest";
import { readAmount, shortAmount } from "../../../../cli/budget/read-amount.ts";
import { EXIT } from "../../../../common/exit-codes.ts";

describe("an amount, as typed", () => {
  test.each([["25", 25_000_000_000n], ["$0.50", 500_000_000n], ["0.000000001", 1n]])("%s dollars are exact", (text, nano) => {
    expect(readAmount("usd", text)).toBe(nano);
  });

  test.each(["1,000", "-1", "1e3", "0.0000000001", "", "ten"])("%j is refused, with how to write it", (text) => {
    expect(() => readAmount("usd", text)).toThrow(expect.objectContaining({ exitCode: EXIT.usage, hint: expect.stringContaining("0.50") as string }));
  });

  test("other meters take whole numbers alone", () => {
    expect(readAmount("tokens", "20000")).toBe(20_000n);
    expect(() => readAmount("tokens", "1.5")).toThrow(expect.objectContaining({ hint: expect.stringContaining("whole number of tokens") as string }));
  });

  test("is shown as dollars, to the nano-dollar where there is one, and as a bare number for other meters", () => {
    expect([shortAmount("usd", 5_000_000_001n), shortAmount("usd", 5_000_000_000n), shortAmount("requests", 12n)]).toEqual(["$5.000000001", "$5.00", "12"]);
  });
});
