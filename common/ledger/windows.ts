import { Temporal } from "temporal-polyfill";
import { unreachable } from "../unreachable.ts";
import type { Window } from "./account.ts";

/** A stretch of time for which there is one count, wall-clock milliseconds: from `startMs` on, and before `endMs`; null for one that does not end. */
export interface WindowBounds {
  readonly startMs: number;
  readonly endMs: number | null;
}

/** What windows of a calendar an account has. */
export interface WindowKind {
  readonly window: Window;
  readonly timezone: string;
}

const ENDLESS: WindowBounds = { startMs: 0, endMs: null };

/** The last answer for each kind: most questions are about the window of the one before. */
const recent = new Map<string, WindowBounds>();
const RECENT_LIMIT = 1_000;

/**
 * The calendar window that a moment is in. Windows of one kind follow each other without a gap, and none overlaps another.
 *
 * A day, a week from Monday (ISO 8601) and a month begin with the first moment of their first day; the day of a change to or from summer time is
 * shorter or longer. An hour and a minute begin where the zone's clock shows a full one, or leaps over it: an hour that comes twice as a whole is
 * two windows, and the half-hour that comes twice on Lord Howe Island belongs to the hour that it repeats.
 * @throws RangeError if there is no such time zone
 */
export function windowAt({ window, timezone }: WindowKind, atMs: number): WindowBounds {
  if (window === "total" || window === "thread") return ENDLESS;
  const name = `${window} ${timezone}`;
  const known = recent.get(name);
  if (known !== undefined && known.startMs <= atMs && atMs < (known.endMs ?? Infinity)) return known;
  const bounds = calendarWindow(window, timezone, atMs);
  if (recent.size >= RECENT_LIMIT) recent.clear();
  recent.set(name, bounds);
  return bounds;
}

/**
 * The window in which an account counts now. Its start never goes back: where a clock jumps back, the window that was open stays so, and is not
 * opened again when the clock gets there.
 * @param open the window it counted in so far; null if it never counted
 */
export function nextWindow(kind: WindowKind, open: WindowBounds | null, nowMs: number): WindowBounds {
  const calendar = windowAt(kind, nowMs);
  if (open === null || calendar.startMs >= open.startMs) return calendar;
  // The account was given longer windows: what is open goes on to the end of the one it lies in.
  const holdsOpen = calendar.endMs === null || calendar.endMs > open.startMs;
  return holdsOpen ? { startMs: open.startMs, endMs: calendar.endMs } : open;
}

type CalendarUnit = "minute" | "hour" | "day" | "week" | "month";

function calendarWindow(unit: CalendarUnit, timezone: string, atMs: number): WindowBounds {
  const moment = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timezone);
  let startMs = firstMoment(unit, moment);
  for (;;) {
    const endMs = followingStart(unit, timezone, startMs);
    if (atMs < endMs) return { startMs, endMs };
    // Clocks that are set back over a boundary show once more what was before it: that belongs to the window that had begun.
    startMs = endMs;
  }
}

/** Where the unit begins that the zone's clock and calendar show at this moment. */
function firstMoment(unit: CalendarUnit, moment: Temporal.ZonedDateTime): number {
  const begin = (date: Temporal.PlainDate) => date.toZonedDateTime(moment.timeZoneId).epochMilliseconds;
  switch (unit) {
    case "minute":
    case "hour": return moment.round({ smallestUnit: unit, roundingMode: "floor" }).epochMilliseconds;
    case "day": return begin(moment.toPlainDate());
    case "week": return begin(moment.toPlainDate().subtract({ days: moment.dayOfWeek - 1 }));
    case "month": return begin(moment.toPlainDate().with({ day: 1 }));
    default: return unreachable(unit);
  }
}

const LENGTH = { minute: { minutes: 1 }, hour: { hours: 1 }, day: { days: 1 }, week: { weeks: 1 }, month: { months: 1 } } as const;

function followingStart(unit: CalendarUnit, timezone: string, startMs: number): number {
  let next = Temporal.Instant.fromEpochMilliseconds(startMs).toZonedDateTimeISO(timezone).add(LENGTH[unit]);
  while (firstMoment(unit, next) <= startMs) next = next.add(LENGTH[unit]);
  return firstMoment(unit, next);
}
