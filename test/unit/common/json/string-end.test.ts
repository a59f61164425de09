import fc from "fast-check";
import { expect, test } from "vitest";
import { stringEnd } from "../../../../common/json/string-end.ts";

test("a string ends at its own quote, whatever is in it and however long it is", () => {
  const piece = fc.constantFrom(`"`, "\\", `\\"`, "a", "é", "x".repeat(190), "\n");
  fc.assert(fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
    const text = Buffer.from(`[${JSON.stringify(pieces.join(""))},"next"]`);
    expect(text.toString("utf8", 1, stringEnd(text, 1) + 1)).toBe(JSON.stringify(pieces.join("")));
  }));
});

test("a string without an end ends with the text", () => {
  for (const text of [`"`, `"abc`, String.raw`"abc\"`, `"${"x".repeat(500)}`, `"${"x".repeat(500)}\\"`]) expect(stringEnd(Buffer.from(text), 0)).toBe(Buffer.byteLength(text));
});
