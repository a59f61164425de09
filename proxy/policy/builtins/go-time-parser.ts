import { layoutParts, MONTHS, WEEKDAYS, type LayoutPart } from "./go-layout.ts";

/** Nanoseconds since the epoch of a time that is written in a layout of Go (`time.Parse`); null if it is not. Names of zones other than UTC say nothing. */
export function parseTime(layout: string, text: string): bigint | null {
  const parser = new TimeParser(text);
  const parts = layoutParts(layout);
  const isRead = parts.every((part, index) => parser.read(part, parts[index + 1]));
  return isRead ? parser.nanoseconds() : null;
}

class TimeParser {
  #rest: string;
  #year = 0;
  #month = -1;
  #day = -1;
  #dayOfYear = -1;
  #clock = { hour: 0, minute: 0, second: 0 };
  #half: "am" | "pm" | null = null;
  #nanoseconds = 0n;
  #offsetSeconds = 0;

  constructor(text: string) {
    this.#rest = text;
  }

  /** @returns false if the text is not as the part says */
  read({ kind, text }: LayoutPart, next: LayoutPart | undefined): boolean {
    if (kind === "literal") return this.#literal(text);
    if (/^[-Z]0/.test(text)) return this.#offset(text);
    if (/^[.,]/.test(text)) return this.#fraction(text);
    if (text === "05" || text === "5") return this.#seconds(text, next);
    return this.#element(text);
  }

  nanoseconds(): bigint | null {
    if (this.#rest !== "") return null;
    const { minute, second } = this.#clock;
    let { hour } = this.#clock;
    if (this.#half === "pm" && hour < 12) hour += 12;
    else if (this.#half === "am" && hour === 12) hour = 0;
    const date = this.#date();
    if (date === null) return null;
    const seconds = BigInt(date) / 1_000n + BigInt(hour * 3_600 + minute * 60 + second - this.#offsetSeconds);
    return seconds * 1_000_000_000n + this.#nanoseconds;
  }

  /** Midnight of the day, in milliseconds; null if there is no such day. */
  #date(): number | null {
    const midnight = (month: number, day: number) => new Date(0).setUTCFullYear(this.#year, month - 1, day);
    if (this.#dayOfYear >= 0) {
      const date = new Date(midnight(1, this.#dayOfYear));
      const isThere = this.#dayOfYear >= 1 && date.getUTCFullYear() === this.#year;
      const isSame = (this.#month < 0 || this.#month === date.getUTCMonth() + 1) && (this.#day < 0 || this.#day === date.getUTCDate());
      return isThere && isSame ? date.getTime() : null;
    }
    const [month, day] = [Math.max(this.#month, 1), this.#day < 0 ? 1 : this.#day];
    const date = new Date(midnight(month, day));
    return day >= 1 && date.getUTCMonth() + 1 === month ? date.getTime() : null;
  }

  #take(pattern: RegExp): string | null {
    const [found] = pattern.exec(this.#rest) ?? [];
    if (found === undefined) return null;
    this.#rest = this.#rest.slice(found.length);
    return found;
  }

  /** @returns false if there is no number, or it is out of range */
  #number(pattern: RegExp, range: readonly [least: number, most: number], keep: (value: number) => void): boolean {
    const found = this.#take(pattern);
    const value = Number(found);
    if (found === null || value < range[0] || value > range[1]) return false;
    keep(value);
    return true;
  }

  /** Spaces of the layout stand for as many as there are, or for none at the end. */
  #literal(text: string): boolean {
    for (let at = 0; at < text.length;) {
      if (text[at] === " ") {
        if (this.#rest !== "" && !this.#rest.startsWith(" ")) return false;
        while (text[at] === " ") at += 1;
        this.#rest = this.#rest.replace(/^ +/, "");
        continue;
      }
      if (!this.#rest.startsWith(text.charAt(at))) return false;
      this.#rest = this.#rest.slice(1);
      at += 1;
    }
    return true;
  }

  #name(names: readonly string[], keep: (index: number) => void): boolean {
    const index = names.findIndex((name) => this.#rest.slice(0, name.length).toLowerCase() === name.toLowerCase());
    if (index === -1) return false;
    this.#rest = this.#rest.slice((names[index] as string).length);
    keep(index);
    return true;
  }

  #element(element: string): boolean {
    const short = (names: readonly string[]) => names.map((name) => name.slice(0, 3));
    const month = (index: number) => { this.#month = index + 1; };
    const day = (value: number) => { this.#day = value; };
    switch (element) {
      case "2006": return this.#number(/^\d{4}/, [0, 9_999], (value) => { this.#year = value; });
      case "06": return this.#number(/^\d{2}/, [0, 99], (value) => { this.#year = value >= 69 ? 1_900 + value : 2_000 + value; });
      case "January": return this.#name(MONTHS, month);
      case "Jan": return this.#name(short(MONTHS), month);
      case "Monday": return this.#name(WEEKDAYS, () => {});
      case "Mon": return this.#name(short(WEEKDAYS), () => {});
      case "01": return this.#number(/^\d{2}/, [1, 12], (value) => { this.#month = value; });
      case "1": return this.#number(/^\d{1,2}/, [1, 12], (value) => { this.#month = value; });
      case "02": return this.#number(/^\d{2}/, [0, 99], day);
      case "_2": return this.#number(/^ ?\d{1,2}/, [0, 99], day);
      case "2": return this.#number(/^\d{1,2}/, [0, 99], day);
      case "002": return this.#number(/^\d{3}/, [0, 999], (value) => { this.#dayOfYear = value; });
      case "__2": return this.#number(/^(?: {2}\d| \d{2}|\d{3})/, [0, 999], (value) => { this.#dayOfYear = value; });
      default: return this.#clockElement(element);
    }
  }

  #clockElement(element: string): boolean {
    switch (element) {
      case "15": return this.#number(/^\d{1,2}/, [0, 23], (value) => { this.#clock.hour = value; });
      case "03": return this.#number(/^\d{2}/, [0, 12], (value) => { this.#clock.hour = value; });
      case "3": return this.#number(/^\d{1,2}/, [0, 12], (value) => { this.#clock.hour = value; });
      case "04": return this.#number(/^\d{2}/, [0, 59], (value) => { this.#clock.minute = value; });
      case "4": return this.#number(/^\d{1,2}/, [0, 59], (value) => { this.#clock.minute = value; });
      case "PM": case "pm": {
        const half = this.#take(element === "PM" ? /^[AP]M/ : /^[ap]m/);
        this.#half = half === null ? null : half.toLowerCase() as "am" | "pm";
        return half !== null;
      }
      default: return this.#zone();
    }
  }

  /** A fraction of a second may follow, though the layout says nothing of it. */
  #seconds(element: string, next: LayoutPart | undefined): boolean {
    const isRead = this.#number(element === "05" ? /^\d{2}/ : /^\d{1,2}/, [0, 59], (value) => { this.#clock.second = value; });
    if (isRead && !(next?.kind === "element" && /^[.,]/.test(next.text))) this.#keepFraction(this.#take(/^[.,]\d+/));
    return isRead;
  }

  #fraction(element: string): boolean {
    if (element.charAt(1) === "9") {
      this.#keepFraction(this.#take(/^[.,]\d+/));
      return true;
    }
    const found = this.#take(new RegExp(`^[.,]\\d{${element.length - 1}}`));
    this.#keepFraction(found);
    return found !== null;
  }

  #keepFraction(found: string | null): void {
    if (found !== null) this.#nanoseconds = BigInt(found.slice(1, 10).padEnd(9, "0"));
  }

  #offset(element: string): boolean {
    if (element.startsWith("Z") && this.#take(/^Z/) !== null) return true;
    const digits = element.replace(/\D/g, "").length;
    const colon = element.includes(":") ? ":" : "";
    const found = this.#take(new RegExp(`^[+-]\\d{2}${`${colon}\\d{2}`.repeat(digits / 2 - 1)}`));
    if (found === null) return false;
    const [hours = 0, minutes = 0, seconds = 0] = found.slice(1).match(/\d{2}/g)?.map(Number) ?? [];
    this.#offsetSeconds = (hours * 3_600 + minutes * 60 + seconds) * (found.startsWith("-") ? -1 : 1);
    return hours <= 24 && minutes <= 60 && seconds <= 60;
  }

  /** An abbreviation: what it means is not known to Go either, unless it is UTC. */
  #zone(): boolean {
    if (this.#take(/^UTC/) !== null) return true;
    if (/^(?:GMT[+-]|[+-])/.test(this.#rest)) throw new Error("an abbreviation of a time zone with an offset is not read");
    const upper = /^[A-Z]{0,7}/.exec(this.#rest)?.[0] ?? "";
    if (this.#take(/^(?:ChST|MeST)/) !== null) return true;
    const isName = upper.length === 3 || (upper.length === 4 && (upper.endsWith("T") || upper === "WITA")) || (upper.length === 5 && upper.endsWith("T"));
    if (isName) this.#rest = this.#rest.slice(upper.length);
    return isName;
  }
}
