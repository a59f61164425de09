import { expect, test } from "vitest";
import { age } from "../../../cli/age.ts";

const NOW = Date.parse("2026-01-10T00:00:00Z");

test.each([
  ["2026-01-09T23:59:59.500Z", "0s"], ["2026-01-09T23:58:30Z", "90s"], ["2026-01-09T23:50:00Z", "10m"], ["2026-01-09T22:30:00Z", "90m"],
  ["2026-01-09T00:30:00Z", "23h"], ["2026-01-01T00:00:00Z", "9d"],
])("%s was %s ago", (time, said) => {
  expect(age(time, NOW)).toBe(said);
});

test("a time that is missing, unreadable or of a faster clock is no age of its own", () => {
  expect([age(null, NOW), age(undefined, NOW), age("", NOW), age("soon", NOW), age("2026-01-11T00:00:00Z", NOW)]).toEqual(["-", "-", "-", "-", "0s"]);
});
