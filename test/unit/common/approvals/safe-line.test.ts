import fc from "fast-check";
import { expect, test } from "vitest";
import { safeLine } from "../../../../common/approvals/safe-line.ts";

test("what steers a terminal, ends a line or turns the direction of reading becomes a question mark", () => {
  expect(safeLine("a\u001b[2Jb\nc\u202Ed\u2066e\u0007\u009bf\u200bg", 100)).toBe("a?[2Jb?c?d?e??f?g");
});

test("what is not seen, and what covers another character, becomes a question mark", () => {
  expect(safeLine("a\u3164b\u2800c\uFE0Fd\u{E0100}e", 100)).toBe("a?b?c?d?e");
  expect(safeLine("1\u0338 a\u0338 \u0301 e\u0301\u0301\u0301\u0301 a\u20DD", 100)).toBe("1? a? ? e\u0301\u0301?? a?");
});

test("letters with their marks stay", () => {
  for (const text of ["e\u0301a\u0308", "हिन्दी में", "ที่นี่", "שָׁלוֹם"]) expect(safeLine(text, 100)).toBe(text);
});

test("what people write in their languages stays", () => {
  expect(safeLine("Überweisung 12 € für Zoë 李 🙂", 100)).toBe("Überweisung 12 € für Zoë 李 🙂");
});

test("any text becomes one printable line of at most the length", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 50 }), (text, length) => {
    const line = safeLine(text, length);
    expect(line.length).toBeLessThanOrEqual(length);
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
  }));
});
