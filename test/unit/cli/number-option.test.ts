import { expect, test } from "vitest";
import { numberFrom } from "../../../cli/number-option.ts";

test("takes whole numbers from its least on", () => {
  expect([numberFrom(0)("0"), numberFrom(1)("1"), numberFrom(1)("9999999")]).toEqual([0, 1, 9_999_999]);
});

test.each([[1, "0"], [0, "-1"], [0, "1.5"], [0, "1e3"], [0, "007"], [0, ""], [0, "many"], [1, "12345678"]] as const)("from %d on, refuses %j and says what it takes", (least, value) => {
  expect(() => numberFrom(least)(value)).toThrow(`it is a number from ${least} on.`);
});
