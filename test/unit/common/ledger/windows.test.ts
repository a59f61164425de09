import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nextWindow, windowAt } from "../../../../common/ledger/windows.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const ms = (text: string) => Date.parse(text);
const iso = (at: number | null) => (at === null ? null : new Date(at).toISOString().replace(".000", ""));
const boundsOf = (window: Parameters<typeof windowAt>[0]["window"], timezone: string, at: string) => {
  const { startMs, endMs } = windowAt({ window, timezone }, ms(at));
  return [iso(startMs), iso(endMs)];
};

describe("a calendar window", () => {
  test.each([
    ["minute", "UTC", "2026-11-21T22:15:30Z", "2026-11-21T22:15:00Z", "2026-11-21T22:16:00Z"],
    ["hour", "UTC", "2026-11-21T22:15:30Z", "2026-11-21T22:00:00Z", "2026-11-21T23:00:00Z"],
    ["hour", "Asia/Kolkata", "2026-11-21T22:15:30Z", "2026-11-21T21:30:00Z", "2026-11-21T22:30:00Z"],
    ["day", "UTC", "2026-11-21T22:15:30Z", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"],
    ["day", "Europe/Berlin", "2026-11-21T23:15:30Z", "2026-11-21T23:00:00Z", "2026-11-22T23:00:00Z"],
    ["week", "UTC", "2026-11-22T23:59:59Z", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"],
    ["week", "UTC", "2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"],
    ["month", "UTC", "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"],
    ["month", "Pacific/Auckland", "2026-12-31T23:59:59Z", "2026-12-31T11:00:00Z", "2027-01-31T11:00:00Z"],
  ] as const)("%s of %s at %s", (window, timezone, at, ...bounds) => {
    expect(boundsOf(window, timezone, at)).toEqual(bounds);
  });

  test.each(["total", "thread"] as const)("%s does not end", (window) => {
    expect(windowAt({ window, timezone: "UTC" }, ms("2026-11-21T22:15:30Z"))).toEqual({ startMs: 0, endMs: null });
  });

  test("of a leap year's February has 29 days, of another 28", () => {
    expect(boundsOf("month", "UTC", "2028-02-29T12:00:00Z")).toEqual(["2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"]);
    expect(boundsOf("day", "UTC", "2028-02-29T12:00:00Z")).toEqual(["2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"]);
    expect(boundsOf("month", "UTC", "2027-02-28T12:00:00Z")).toEqual(["2027-02-01T00:00:00Z", "2027-03-01T00:00:00Z"]);
  });

  test("of a zone that does not exist is an error", () => {
    expect(() => windowAt({ window: "day", timezone: "Europe/Nowhere" }, 0)).toThrow(RangeError);
  });
});

describe("where clocks change", () => {
  test.each([
    ["Europe/Berlin, spring", "Europe/Berlin", "2026-03-29T12:00:00Z", 23],
    ["Europe/Berlin, autumn", "Europe/Berlin", "2026-10-25T12:00:00Z", 25],
    ["America/New_York, spring", "America/New_York", "2026-03-08T12:00:00Z", 23],
    ["America/New_York, autumn", "America/New_York", "2026-11-01T12:00:00Z", 25],
    ["Australia/Lord_Howe, autumn", "Australia/Lord_Howe", "2026-04-04T20:00:00Z", 24.5],
    ["Australia/Lord_Howe, spring", "Australia/Lord_Howe", "2026-10-03T20:00:00Z", 23.5],
    ["Africa/Cairo, spring: no midnight", "Africa/Cairo", "2026-04-24T12:00:00Z", 23],
  ] as const)("the day is as long as it is: %s", (_, timezone, at, hours) => {
    const { startMs, endMs } = windowAt({ window: "day", timezone }, ms(at));
    expect(((endMs ?? 0) - startMs) / HOUR_MS).toBe(hours);
  });

  test("an hour that comes twice as a whole is two windows", () => {
    expect(boundsOf("hour", "Europe/Berlin", "2026-10-25T00:30:00Z")).toEqual(["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"]);
    expect(boundsOf("hour", "Europe/Berlin", "2026-10-25T01:30:00Z")).toEqual(["2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"]);
  });

  test("a half-hour that comes twice belongs to the hour that it repeats; half an hour that is left out shortens one", () => {
    for (const at of ["2026-04-04T14:15:00Z", "2026-04-04T15:15:00Z"]) {
      expect(boundsOf("hour", "Australia/Lord_Howe", at)).toEqual(["2026-04-04T14:00:00Z", "2026-04-04T15:30:00Z"]);
    }
    expect(boundsOf("hour", "Australia/Lord_Howe", "2026-10-03T15:00:00Z")).toEqual(["2026-10-03T14:30:00Z", "2026-10-03T15:30:00Z"]);
    expect(boundsOf("hour", "Australia/Lord_Howe", "2026-10-03T15:45:00Z")).toEqual(["2026-10-03T15:30:00Z", "2026-10-03T16:00:00Z"]);
  });
});

/** Zones with changes at midnight, over midnight, by half-hours, and with a day that was left out. */
const zone = fc.constantFrom("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo",
  "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia", "America/Havana", "Asia/Beirut");
const kind = fc.record({ window: fc.constantFrom("minute", "hour", "day", "week", "month"), timezone: zone });
const moment = fc.integer({ min: ms("2005-01-01"), max: ms("2035-01-01") });

describe("windows of any zone", () => {
  test("hold the moment they are asked for, follow each other without a gap, and say the same of each of their moments", () => {
    fc.assert(fc.property(kind, moment, fc.double({ min: 0, max: 1, noNaN: true }), (of, atMs, share) => {
      const { startMs, endMs } = windowAt(of, atMs);
      expect(startMs <= atMs && atMs < (endMs ?? 0)).toBe(true);
      const inside = startMs + Math.floor(((endMs ?? 0) - 1 - startMs) * share);
      for (const at of [startMs, inside, (endMs ?? 0) - 1]) expect(windowAt(of, at)).toEqual({ startMs, endMs });
      expect(windowAt(of, endMs ?? 0).startMs).toBe(endMs);
      expect(windowAt(of, startMs - 1).endMs).toBe(startMs);
    }), { numRuns: 3_000 });
  });

  test("around each change of the clocks, too", () => {
    const changes = ["2026-03-29T01:00Z", "2026-10-25T01:00Z", "2026-04-04T15:00Z", "2026-10-03T15:30Z", "2011-12-30T10:00Z", "2009-11-01T02:31Z", "2026-04-23T22:00Z"].map(ms);
    fc.assert(fc.property(kind, fc.constantFrom(...changes), fc.integer({ min: -2 * HOUR_MS, max: 2 * HOUR_MS }), (of, changeMs, offMs) => {
      const { startMs, endMs } = windowAt(of, changeMs + offMs);
      expect(startMs <= changeMs + offMs && changeMs + offMs < (endMs ?? 0)).toBe(true);
      expect(windowAt(of, endMs ?? 0).startMs).toBe(endMs);
      expect(windowAt(of, startMs - 1).endMs).toBe(startMs);
    }), { numRuns: 3_000 });
  });
});

describe("the window of an account", () => {
  const day = { window: "day", timezone: "UTC" } as const;
  const today = { startMs: ms("2026-11-21"), endMs: ms("2026-11-22") };

  test("moves on with the calendar", () => {
    expect(nextWindow(day, null, today.startMs + 5)).toEqual(today);
    expect(nextWindow(day, today, today.endMs)).toEqual({ startMs: today.endMs, endMs: today.endMs + DAY_MS });
  });

  test("stays where it is when the clock jumps back, and is not opened again", () => {
    const tomorrow = nextWindow(day, today, today.endMs + 5);
    expect(nextWindow(day, tomorrow, today.startMs + 5)).toBe(tomorrow);
    expect(nextWindow(day, tomorrow, today.endMs + 10)).toEqual(tomorrow);
  });

  test("goes on to the end of the longer one that the account is given", () => {
    expect(nextWindow({ window: "month", timezone: "UTC" }, today, today.startMs + 5)).toEqual({ startMs: today.startMs, endMs: ms("2026-12-01") });
    expect(nextWindow({ window: "total", timezone: "UTC" }, today, today.startMs + 5)).toEqual({ startMs: today.startMs, endMs: null });
  });

  test("is cut short where it is given shorter ones", () => {
    const month = { startMs: ms("2026-11-01"), endMs: ms("2026-12-01") };
    expect(nextWindow(day, month, today.startMs + 5)).toEqual(today);
  });
});
