import { Temporal } from "temporal-polyfill";
import type { RegoValue } from "../rego-value.ts";
import type { Builtin } from "../host-calls.ts";
import { formatTime, NAMED_LAYOUTS, WEEKDAYS, type WallTime } from "./go-layout.ts";
import { parseTime } from "./go-time-parser.ts";
import { goFloat } from "./go-text.ts";
import { integer, ofTexts, whole } from "./operands.ts";

const NS_PER_SECOND = 1_000_000_000n;

export const TIME_BUILTINS: Readonly<Record<string, Builtin>> = {
  "time.parse_rfc3339_ns": ofTexts((text) => within(parseTime(NAMED_LAYOUTS["RFC3339"] as string, text))),
  "time.parse_ns": ofTexts((layout, text) => within(parseTime(NAMED_LAYOUTS[layout] ?? layout, text))),
  "time.parse_duration_ns": ofTexts((text) => parseDuration(text)),
  "time.format": (value) => {
    const moment = read(value);
    return moment === null ? undefined : formatTime(moment, NAMED_LAYOUTS[moment.layout] ?? (moment.layout === "" ? NAMED_LAYOUTS["RFC3339Nano"] as string : moment.layout));
  },
  "time.weekday": (value) => {
    const moment = read(value);
    return moment === null ? undefined : WEEKDAYS[moment.date.getUTCDay()];
  },
  "time.date": (value) => {
    const moment = read(value);
    return moment === null ? undefined : fieldsOf(moment.date).slice(0, 3);
  },
  "time.clock": (value) => {
    const moment = read(value);
    return moment === null ? undefined : fieldsOf(moment.date).slice(3);
  },
  "time.add_date": (value, years, months, days) => addDate(read(value), [whole(years), whole(months), whole(days)]),
  "time.diff": (from, to) => difference(read(from), read(to)),
};

interface Moment extends WallTime {
  readonly ns: bigint;
  readonly place: string;
  readonly layout: string;
}

/** `ns`, `[ns]`, `[ns, zone]` or `[ns, zone, layout]`; null for anything else, and for a zone that is not known. */
function read(value: RegoValue | undefined): Moment | null {
  const [number, zone = "", layout = ""] = Array.isArray(value) ? value as readonly RegoValue[] : [value];
  const ns = whole(number);
  if (ns === null || typeof zone !== "string" || typeof layout !== "string") return null;
  // OPA reads the zone of the machine that it runs on here; a decision does not depend on that.
  if (zone === "Local") throw new Error("the time zone `Local` is not supplied");
  const place = zone === "" ? "UTC" : zone;
  return isPlace(place) ? momentAt(ns, place, layout) : null;
}

function momentAt(ns: bigint, place: string, layout: string): Moment {
  const seconds = ns / NS_PER_SECOND - (ns % NS_PER_SECOND < 0n ? 1n : 0n);
  const offsetSeconds = offsetAt(Number(seconds), place);
  return {
    ns, place, layout, offsetSeconds, nanoseconds: Number(ns - seconds * NS_PER_SECOND), zone: place === "UTC" ? "UTC" : null,
    date: new Date((Number(seconds) + offsetSeconds) * 1_000),
  };
}

/** True for a name of the time zone database, written as there: no offsets, and no other case. */
function isPlace(name: string): boolean {
  if (name === "UTC") return true;
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name).timeZoneId === name;
  } catch {
    return false;
  }
}

function offsetAt(seconds: number, place: string): number {
  return place === "UTC" ? 0 : Temporal.Instant.fromEpochMilliseconds(seconds * 1_000).toZonedDateTimeISO(place).offsetNanoseconds / 1e9;
}

function fieldsOf(date: Date): [number, number, number, number, number, number] {
  return [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()];
}

/** Undefined beyond what 64 bits of nanoseconds hold. */
function within(ns: bigint | null): number | bigint | undefined {
  return ns !== null && BigInt.asIntN(64, ns) === ns ? integer(ns) : undefined;
}

/** Days and months that are too many run over into the next, as Go's `time.AddDate` has it. */
function addDate(moment: Moment | null, added: readonly (bigint | null)[]): number | bigint | undefined {
  if (moment === null || !added.every((number) => number !== null)) return undefined;
  const [years = 0, months = 0, days = 0] = added.map(Number);
  const [year, month, day, ...clock] = fieldsOf(moment.date);
  const seconds = Date.UTC(year + years, month - 1 + months, day + days, ...clock) / 1_000;
  if (Number.isNaN(seconds)) return undefined;
  const offset = offsetAt(seconds, moment.place);
  const utc = seconds - (offset !== 0 && offsetAt(seconds - offset, moment.place) !== offset ? offsetAt(seconds - offset, moment.place) : offset);
  return within(BigInt(utc) * NS_PER_SECOND + BigInt(moment.nanoseconds));
}

/** Years, months, days, hours, minutes and seconds from the earlier to the later, both by the clock of the first one's zone. */
function difference(a: Moment | null, b: Moment | null): readonly number[] | undefined {
  if (a === null || b === null) return undefined;
  const other = momentAt(b.ns, a.place, "");
  const [early, late] = a.ns > other.ns ? [other, a] : [a, other];
  const from = fieldsOf(early.date);
  const parts = fieldsOf(late.date).map((field, index) => field - (from[index] ?? 0));
  const monthDays = new Date(Date.UTC(from[0], from[1], 0)).getUTCDate();
  for (const [index, size] of [[5, 60], [4, 60], [3, 24], [2, monthDays], [1, 12]] as const) {
    if ((parts[index] ?? 0) >= 0) continue;
    parts[index] = (parts[index] ?? 0) + size;
    parts[index - 1] = (parts[index - 1] ?? 0) - 1;
  }
  return parts;
}

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n, us: 1_000n, "\u00b5s": 1_000n, "\u03bcs": 1_000n, ms: 1_000_000n, s: NS_PER_SECOND, m: 60n * NS_PER_SECOND, h: 3_600n * NS_PER_SECOND,
};

/** In hours; a number of them is first made one of hours, as it is nearest to a double. */
const LONG_UNITS: Readonly<Record<string, number>> = { d: 24, w: 168, y: 8_760 };

/** Go's `time.ParseDuration`, with days, weeks and years of 365 days beside. */
function parseDuration(text: string): number | bigint | undefined {
  const [, sign = "", body = ""] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (body === "0") return 0;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|[smhdwy]))+$/.test(body)) return undefined;
  let total = 0n;
  for (const [, digits = "", written = ""] of body.matchAll(/([\d.]+)([a-z\u00b5\u03bc]+)/g)) {
    const hours = LONG_UNITS[written];
    const unit = hours === undefined ? written : "h";
    const [wholePart = "", fraction = ""] = (hours === undefined ? digits : goFloat(Number(digits) * hours, { verb: "f", precision: null })).split(".");
    const size = UNITS[unit] as bigint;
    total += BigInt(wholePart) * size + BigInt(Math.trunc(Number(fraction) * (Number(size) / 10 ** fraction.length)));
  }
  return within(sign === "-" ? -total : total);
}
