import { expect, test } from "vitest";
import { Secret } from "../../../../common/secret.ts";
import { requireSearchable } from "../../../../proxy/credentials/searchable.ts";

const judged = (...texts: string[]) => () => { requireSearchable({ secrets: texts.map((text) => new Secret(text)) }); };

test.each(["8 chars.", "correct-horse-battery-staple", "aaaaaaaaaaaaaaaa1", "deadbeef".repeat(8), "ghp_0123456789abcdefghijABCDEFGHIJ012345", "x".repeat(8) + "y".repeat(8)])("%s can be lent", (text) => {
  expect(judged(text)).not.toThrow();
});

test.each([
  ["too short", "7 chars", /^malformed: .* less than 8/],
  ["too long", "ab1cd2".repeat(3_000), /^oversized/],
  ["one character again and again", "0".repeat(40), /repeats itself/],
  ["a few characters again and again", "abc".repeat(20), /repeats itself/],
  ["such a beginning", `${"0".repeat(40)}and-then-something-else`, /repeats itself/],
  ["such an end", `something-else-first${"-=".repeat(20)}`, /repeats itself/],
  ["such a beginning behind another character", `x${"0".repeat(40)}and-then`, /repeats itself/],
])("%s cannot, and the reason does not show it", (_what, text, reason) => {
  expect(judged("a-good-one", text)).toThrow(reason);
  expect(judged(text)).not.toThrow(text.slice(0, 12));
});
