/** Layouts of Go's package `time`: a date that is written out says how dates are written (https://pkg.go.dev/time#pkg-constants). */
const ELEMENT = new RegExp([
  "January", "Jan(?![a-z])", "Monday", "Mon(?![a-z])", "MST", "002", "0[1-6]", "15", "1", "2006", "2", "__2", "_2(?!006)", "[345]", "PM", "pm",
  String.raw`[-Z](?:07:00:00|070000|07:00|0700|07)`, String.raw`[.,](?:0+|9+)(?!\d)`,
].join("|"), "g");

export const NAMED_LAYOUTS: Readonly<Record<string, string>> = {
  ANSIC: "Mon Jan _2 15:04:05 2006", UnixDate: "Mon Jan _2 15:04:05 MST 2006", RubyDate: "Mon Jan 02 15:04:05 -0700 2006", RFC822: "02 Jan 06 15:04 MST",
  RFC822Z: "02 Jan 06 15:04 -0700", RFC850: "Monday, 02-Jan-06 15:04:05 MST", RFC1123: "Mon, 02 Jan 2006 15:04:05 MST", RFC1123Z: "Mon, 02 Jan 2006 15:04:05 -0700",
  RFC3339: "2006-01-02T15:04:05Z07:00", RFC3339Nano: "2006-01-02T15:04:05.999999999Z07:00",
};

export const WEEKDAYS: readonly string[] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
export const MONTHS: readonly string[] = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/** A piece of a layout: an element, or text that stands for itself. */
export interface LayoutPart {
  readonly kind: "element" | "literal";
  readonly text: string;
}

export function layoutParts(layout: string): readonly LayoutPart[] {
  const parts: LayoutPart[] = [];
  let from = 0;
  for (const { 0: text, index } of layout.matchAll(ELEMENT)) {
    if (index > from) parts.push({ kind: "literal", text: layout.slice(from, index) });
    parts.push({ kind: "element", text });
    from = index + text.length;
  }
  if (from < layout.length) parts.push({ kind: "literal", text: layout.slice(from) });
  return parts;
}

/** What a clock in some place shows. */
export interface WallTime {
  /** The date and time there, written into the UTC fields. */
  readonly date: Date;
  readonly nanoseconds: number;
  readonly offsetSeconds: number;
  /** Abbreviation of the zone; null if it is not known. */
  readonly zone: string | null;
}

/** @throws Error for the abbreviation of a zone that is not known */
export function formatTime(time: WallTime, layout: string): string {
  return layoutParts(layout).map(({ kind, text }) => (kind === "literal" ? text : formatElement(time, text))).join("");
}

function formatElement(time: WallTime, element: string): string {
  const { date } = time;
  if (/^[-Z]0/.test(element)) return formatOffset(time.offsetSeconds, element);
  if (/^[.,]/.test(element)) return formatFraction(time.nanoseconds, element);
  const format = FORMATS[element];
  if (format !== undefined) return format(date);
  if (time.zone === null) throw new Error("the abbreviation of a time zone is not supplied");
  return time.zone;
}

const two = (value: number) => `${value}`.padStart(2, "0");
const year = (date: Date) => (date.getUTCFullYear() < 0 ? `-${`${-date.getUTCFullYear()}`.padStart(4, "0")}` : `${date.getUTCFullYear()}`.padStart(4, "0"));
const hour12 = (date: Date) => date.getUTCHours() % 12 || 12;
const dayOfYear = (date: Date) => Math.floor((date.getTime() - new Date(date).setUTCMonth(0, 1)) / 86_400_000) + 1;

const FORMATS: Readonly<Record<string, (date: Date) => string>> = {
  January: (date) => MONTHS[date.getUTCMonth()] as string, Jan: (date) => (MONTHS[date.getUTCMonth()] as string).slice(0, 3),
  Monday: (date) => WEEKDAYS[date.getUTCDay()] as string, Mon: (date) => (WEEKDAYS[date.getUTCDay()] as string).slice(0, 3),
  "002": (date) => `${dayOfYear(date)}`.padStart(3, "0"), __2: (date) => `${dayOfYear(date)}`.padStart(3, " "),
  "01": (date) => two(date.getUTCMonth() + 1), 1: (date) => `${date.getUTCMonth() + 1}`,
  "02": (date) => two(date.getUTCDate()), _2: (date) => `${date.getUTCDate()}`.padStart(2, " "), 2: (date) => `${date.getUTCDate()}`,
  15: (date) => two(date.getUTCHours()), "03": (date) => two(hour12(date)), 3: (date) => `${hour12(date)}`,
  "04": (date) => two(date.getUTCMinutes()), 4: (date) => `${date.getUTCMinutes()}`, "05": (date) => two(date.getUTCSeconds()), 5: (date) => `${date.getUTCSeconds()}`,
  2006: year, "06": (date) => two(((date.getUTCFullYear() % 100) + 100) % 100),
  PM: (date) => (date.getUTCHours() < 12 ? "AM" : "PM"), pm: (date) => (date.getUTCHours() < 12 ? "am" : "pm"),
};

function formatOffset(offsetSeconds: number, element: string): string {
  if (element.startsWith("Z") && offsetSeconds === 0) return "Z";
  const size = Math.abs(offsetSeconds);
  const colon = element.includes(":") ? ":" : "";
  const digits = element.replace(/\D/g, "").length;
  const minutes = digits > 2 ? `${colon}${two(Math.floor(size / 60) % 60)}` : "";
  const seconds = digits > 4 ? `${colon}${two(size % 60)}` : "";
  return `${offsetSeconds < 0 ? "-" : "+"}${two(Math.floor(size / 3_600))}${minutes}${seconds}`;
}

function formatFraction(nanoseconds: number, element: string): string {
  const digits = `${nanoseconds}`.padStart(9, "0").padEnd(element.length - 1, "0").slice(0, element.length - 1);
  if (element.charAt(1) === "0") return element.charAt(0) + digits;
  const trimmed = digits.replace(/0+$/, "");
  return trimmed === "" ? "" : element.charAt(0) + trimmed;
}
