import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fitted, oneLine, safeLines, wrapped } from "../../../cli/terminal-text.ts";

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

describe("a line in pieces", () => {
  test("breaks behind blanks where there are some, and in a word where there are none", () => {
    expect(wrapped("one two three four", 10)).toEqual(["one two ", "three four"]);
    expect(wrapped("x".repeat(25), 10)).toEqual(["x".repeat(10), "x".repeat(10), "x".repeat(5)]);
    expect(wrapped("", 10)).toEqual([""]);
  });

  test("counts two columns for what may take them, and cuts no character in two", () => {
    expect(wrapped("日本語日本語", 6)).toEqual(["日本語", "日本語"]);
    expect(wrapped("😀😀😀", 4)).toEqual(["😀😀", "😀"]);
  });

  test("is the whole line, and no piece is wider than its room", () => {
    fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), fc.integer({ min: 2, max: 60 }), (text, columns) => {
      const pieces = wrapped(text, columns);
      expect(pieces.join("")).toBe(text);
      for (const piece of pieces) expect([...piece].length).toBeLessThanOrEqual(columns);
    }));
  });
});
