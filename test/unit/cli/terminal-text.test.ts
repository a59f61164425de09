import { expect, test } from "vitest";
import { fitted, oneLine, safeLines } from "../../../cli/terminal-text.ts";

test("a text of others cannot steer the terminal, hide, or begin a line", () => {
  expect(oneLine("a\u001b[31mb\nc\u202ed\u2028e\u0007")).toBe("a?[31mb?c?d?e?");
  expect(oneLine("Grüße, 世界 ✓")).toBe("Grüße, 世界 ✓");
});

test("its lines stay lines, whichever way they end", () => {
  expect(safeLines("one\r\ntwo\n\n\tthree\rX")).toEqual(["one", "two", "", "  three?X"]);
});

test("what is cut says so", () => {
  expect([fitted("abc", 3), fitted("abcd", 3)]).toEqual(["abc", "ab…"]);
});
