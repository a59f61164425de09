import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countTokens, loadTokenizer } from "../../../../proxy/metering/answers/token-counter.ts";
import { leastInput } from "../../../../proxy/metering/least-input.ts";

await loadTokenizer();

const BOUNDED = { isOpenEnded: false, problem: null };
const least = (content: string) => leastInput(Buffer.from(JSON.stringify({ model: "gpt-4o", messages: [{ role: "user", content }] })), BOUNDED);

describe("what a request's input comes to at least", () => {
  test("is a sixteenth of its words, and never more than a tokenizer makes of them", () => {
    expect(least("hello")).toBe(1);
    expect(least("lorem ipsum ".repeat(50_000))).toBeGreaterThan(37_000);
    fc.assert(fc.property(fc.lorem({ maxCount: 2_000 }), fc.constantFrom("", " ", "=", "\n", "Ж", "東"), fc.nat(3_000), (words, letter, times) => {
      const content = words + letter.repeat(times);
      expect(least(content)).toBeLessThanOrEqual(Math.max(1, countTokens(content) ?? 0));
    }), { numRuns: 60 });
  });

  test("counts no images, no signatures, no runs of one letter, and escapes as the letters that they are", () => {
    for (const content of [Buffer.alloc(300_000, "image!").toString("base64"), " ".repeat(100_000), "=".repeat(100_000)]) expect(least(content), content.slice(0, 9)).toBe(1);
    const escaped = (text: string) => leastInput(Buffer.from(`{"content":"${text.repeat(5_000)}"}`), BOUNDED);
    expect(escaped("\\u0438\\u043c\\u044f ")).toBeLessThanOrEqual(escaped("имя "));
  });

  test("is not known of what is elsewhere, what the provider shortens, and what nobody can bound", () => {
    const text = Buffer.from(JSON.stringify({ content: "words ".repeat(10_000) }));
    expect(leastInput(text, BOUNDED)).toBeGreaterThan(3_000);
    expect(leastInput(text, { ...BOUNDED, isOpenEnded: true })).toBe(0);
    expect(leastInput(text, { ...BOUNDED, problem: { rule: "r", reason: "", hint: "" } })).toBe(0);
    expect(leastInput(Buffer.from(JSON.stringify({ truncation: "auto", content: "words ".repeat(10_000) })), BOUNDED)).toBe(0);
  });
});
