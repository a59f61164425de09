import { expect, test } from "vitest";
import { newConnectionId } from "../../../../proxy/connection/connection-id.ts";

test("connection ids are short, unique, and sort by time, also when the clock goes back", () => {
  const times = [1_000, 1_000, 1_000, 2_000, 1_500, 2_001, Date.UTC(2026, 0, 1), Date.UTC(2100, 0, 1)];
  const ids = times.flatMap((time) => Array.from({ length: 500 }, () => newConnectionId(time)));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted()).toEqual(ids);
  expect(ids.every((id) => /^[0-9a-hjkmnp-tv-z]{15}$/.test(id))).toBe(true);
});
