import { expect, test } from "vitest";
import { count } from "../../../cli/count.ts";

test.each([[0, "0 entries"], [1, "1 entry"], [2, "2 entries"]])("%i is written %s", (number, text) => {
  expect(count(number, "entry", "entries")).toBe(text);
});
