import { expect, test } from "vitest";
import { saslPrep } from "../../../../../proxy/connection/postgres/sasl-prep.ts";

/** RFC 4013 §3, and what PostgreSQL does where the RFC says error: the password as it is. */
test.each([
  ["I\u00adX", "IX"], ["user", "user"], ["USER", "USER"], ["\u00aa", "a"], ["\u2168", "IX"], ["a\u00a0b", "a b"], ["pa55 wörd", "pa55 wörd"], ["wo\u0308rd", "wörd"],
  ["\u0007", "\u0007"], ["ä\u0007", "ä\u0007"], ["\u0627\u0031", "\u0627\u0031"], ["\u06271\u0628", "\u06271\u0628"], ["\u00ad", "\u00ad"], ["\u2168\ue000", "\u2168\ue000"],
])("%j is prepared as %j", (password, prepared) => {
  expect(saslPrep(password)).toBe(prepared);
});
