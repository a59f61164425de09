import { WrittenNumber, type RegoValue } from "../rego-value.ts";
import { goFloat, goQuote, goText } from "./go-text.ts";

/** Longest text that is made, in characters. */
const LENGTH_LIMIT = 1 << 20;
const WIDTH_LIMIT = 1_000_000;

/** What Go's `fmt` is given: int64 and big.Int are `bigint`, and each `number` is a float64. */
type Argument = number | bigint | string;

interface Directive {
  readonly flags: ReadonlySet<string>;
  readonly width: number | null;
  readonly precision: number | null;
  readonly verb: string;
}

/** `fmt.Sprintf` of Go for what a value of Rego becomes there: whole numbers, other numbers, and text. */
export function sprintf(format: RegoValue | undefined, values: RegoValue | undefined): string | undefined {
  if (typeof format !== "string" || !Array.isArray(values)) return undefined;
  return new Printer(format, values.map(argumentOf)).print();
}

/** As OPA hands it over: a number that is written with a point or an exponent has a fraction, whatever it is worth, and one beyond all others is text. */
function argumentOf(value: RegoValue): Argument {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value === "bigint" || typeof value === "string") return value;
  if (!(value instanceof WrittenNumber)) return goText(value);
  return Number.isFinite(Number(value.text)) ? Number(value.text) : value.text;
}

class Printer {
  readonly #format: string;
  readonly #args: readonly Argument[];
  #at = 0;
  #arg = 0;
  #isReordered = false;
  #hasGoodIndex = true;

  constructor(format: string, args: readonly Argument[]) {
    this.#format = format;
    this.#args = args;
  }

  print(): string {
    let out = "";
    while (this.#at < this.#format.length) {
      const next = this.#format.indexOf("%", this.#at);
      out += this.#format.slice(this.#at, next === -1 ? undefined : next);
      if (next === -1) break;
      this.#at = next + 1;
      out += this.#directive();
      if (out.length > LENGTH_LIMIT) throw new Error("sprintf: the text becomes too long");
    }
    if (this.#isReordered || this.#arg >= this.#args.length) return out;
    return `${out}%!(EXTRA ${this.#args.slice(this.#arg).map((arg) => `${typeOf(arg)}=${formatted(arg, PLAIN)}`).join(", ")})`;
  }

  #directive(): string {
    this.#hasGoodIndex = true;
    const flags = new Set<string>();
    while ("#0+- ".includes(this.#format[this.#at] ?? "x")) flags.add(this.#format[this.#at++] as string);
    let afterIndex = this.#index();
    const width = this.#star() ?? this.#number();
    if (width.isStar) afterIndex = false;
    if (width.value !== null && width.value < 0) flags.add("-").delete("0");
    if (afterIndex && width.value !== null) this.#hasGoodIndex = false;
    let prefix = width.isStar && width.value === null ? "%!(BADWIDTH)" : "";
    let precision: number | null = null;
    // A point at the very end is taken for a verb.
    if (this.#format[this.#at] === "." && this.#at + 1 < this.#format.length) {
      this.#at += 1;
      if (afterIndex) this.#hasGoodIndex = false;
      afterIndex = this.#index();
      const read = this.#star() ?? this.#number();
      precision = read.value ?? (read.isStar ? null : 0);
      if (precision !== null && precision < 0) precision = null;
      if (read.isStar && precision === null) prefix += "%!(BADPREC)";
    }
    if (!afterIndex) this.#index();
    const verb = String.fromCodePoint(this.#format.codePointAt(this.#at) ?? 0);
    if (this.#at >= this.#format.length) return `${prefix}%!(NOVERB)`;
    this.#at += verb.length;
    return prefix + this.#verb({ flags, width: width.value === null ? null : Math.abs(width.value), precision, verb });
  }

  #verb(directive: Directive): string {
    if (directive.verb === "%") return "%";
    if (!this.#hasGoodIndex) return `%!${directive.verb}(BADINDEX)`;
    const arg = this.#args[this.#arg];
    if (arg === undefined) return `%!${directive.verb}(MISSING)`;
    this.#arg += 1;
    // `%#v` is Go's own syntax, in which text is quoted; `%+v` is about fields, which there are none of.
    if (directive.verb !== "v") return formatted(arg, directive);
    const isSyntax = directive.flags.has("#") && typeof arg === "string";
    return formatted(arg, { ...directive, verb: isSyntax ? "q" : "v", flags: without(without(directive.flags, "#"), "+") });
  }

  /** `[n]`: which argument is next. @returns true if there was one */
  #index(): boolean {
    if (this.#format[this.#at] !== "[") return false;
    this.#isReordered = true;
    const closing = this.#format.indexOf("]", this.#at);
    const inside = closing === -1 ? "" : this.#format.slice(this.#at + 1, closing);
    this.#at = closing === -1 ? this.#at + 1 : closing + 1;
    const wanted = /^\d{1,7}$/.test(inside) ? Number(inside) - 1 : -1;
    if (wanted < 0 || wanted >= this.#args.length) this.#hasGoodIndex = false;
    else this.#arg = wanted;
    return true;
  }

  /** `*`: an argument says how many; a value of null if it cannot. */
  #star(): { readonly isStar: true; readonly value: number | null } | null {
    if (this.#format[this.#at] !== "*") return null;
    this.#at += 1;
    const arg = this.#args[this.#arg];
    if (arg !== undefined) this.#arg += 1;
    const fits = typeof arg === "bigint" && arg >= -WIDTH_LIMIT && arg <= WIDTH_LIMIT;
    return { isStar: true, value: fits ? Number(arg) : null };
  }

  #number(): { readonly isStar: false; readonly value: number | null } {
    const digits = /^\d+/.exec(this.#format.slice(this.#at, this.#at + 8))?.[0] ?? "";
    this.#at += digits.length;
    if (Number(digits) > WIDTH_LIMIT) throw new Error("sprintf: a width beyond all measure");
    return { isStar: false, value: digits === "" ? null : Number(digits) };
  }
}

const PLAIN: Directive = { flags: new Set(), width: null, precision: null, verb: "v" };

function formatted(arg: Argument, directive: Directive): string {
  if (directive.verb === "T") return padded(typeOf(arg) === "big.Int" ? "*big.Int" : typeOf(arg), { ...directive, verb: "s" });
  if (typeof arg === "string") return stringText(arg, directive);
  return typeof arg === "bigint" ? wholeText(arg, directive) : floatText(arg, directive);
}

function typeOf(arg: Argument): "string" | "int64" | "big.Int" | "float64" {
  if (typeof arg === "string") return "string";
  if (typeof arg === "number") return "float64";
  return BigInt.asIntN(64, arg) === arg ? "int64" : "big.Int";
}

function unfit(arg: Argument, directive: Directive): string {
  return `%!${directive.verb}(${typeOf(arg)}=${formatted(arg, { ...directive, verb: "v" })})`;
}

function stringText(text: string, directive: Directive): string {
  const { verb, precision, flags } = directive;
  if (verb === "x" || verb === "X") {
    const bytes = Buffer.from(text).subarray(0, precision ?? undefined);
    const pairs = [...bytes].map((byte) => `${flags.has("#") && flags.has(" ") ? "0x" : ""}${byte.toString(16).padStart(2, "0")}`);
    const hex = `${flags.has("#") && !flags.has(" ") && pairs.length > 0 ? "0x" : ""}${pairs.join(flags.has(" ") ? " " : "")}`;
    return padded(verb === "X" ? hex.toUpperCase() : hex, directive);
  }
  const cut = precision === null ? text : Array.from(text).slice(0, precision).join("");
  if (verb === "s" || verb === "v") return padded(cut, directive);
  if (verb === "q") return padded(flags.has("#") && !/[`\x00-\x08\x0a-\x1f\x7f\ufeff]/.test(cut) ? `\`${cut}\`` : goQuote(cut, flags.has("+")), directive);
  return unfit(text, directive);
}

const BASES: Readonly<Record<string, readonly [base: number, prefix: string]>> = { d: [10, ""], v: [10, ""], b: [2, "0b"], o: [8, "0"], O: [8, "0o"], x: [16, "0x"], X: [16, "0X"] };

function wholeText(value: bigint, directive: Directive): string {
  const { verb, flags, precision, width } = directive;
  const isBig = typeOf(value) === "big.Int";
  if (!isBig && (verb === "c" || verb === "q" || verb === "U")) return runeText(value, directive);
  const [base, prefix] = BASES[isBig && verb === "s" ? "d" : verb] ?? [];
  if (base === undefined || prefix === undefined) return unfit(value, directive);
  let sign = value < 0n ? "-" : "";
  if (sign === "" && flags.has("+")) sign = "+";
  else if (sign === "" && flags.has(" ")) sign = " ";
  let digits = (value < 0n ? -value : value).toString(base);
  if (precision === 0 && value === 0n) return padded("", { ...directive, flags: without(flags, "0") });
  if (verb === "X") digits = digits.toUpperCase();
  const lead = verb === "O" || (flags.has("#") && prefix !== "" && !(verb === "o" && digits.startsWith("0"))) ? prefix : "";
  const fills = flags.has("0") && !flags.has("-") && precision === null && width !== null ? width - sign.length : 0;
  return padded(sign + lead + digits.padStart(precision ?? fills, "0"), { ...directive, flags: without(flags, "0") });
}

function runeText(value: bigint, directive: Directive): string {
  const code = value >= 0n && value <= 0x10_ffffn && !(value >= 0xd800n && value <= 0xdfffn) ? Number(value) : 0xfffd;
  const character = String.fromCodePoint(code);
  if (directive.verb === "c") return padded(character, directive);
  if (directive.verb === "q") return padded(`'${goQuote(character, directive.flags.has("+")).slice(1, -1).replace('\\"', '"').replace(/^'$/, "\\'")}'`, directive);
  if (value < 0n) throw new Error("sprintf: %U of a number below zero");
  const text = `U+${value.toString(16).toUpperCase().padStart(Math.max(4, directive.precision ?? 0), "0")}`;
  return padded(directive.flags.has("#") && /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character) ? `${text} '${character}'` : text, { ...directive, flags: without(directive.flags, "0") });
}

function floatText(value: number, directive: Directive): string {
  const { verb, flags, precision, width } = directive;
  const kind = verb === "v" ? "g" : verb.toLowerCase();
  if (kind === "x" || verb === "b") throw new Error(`sprintf: %${verb} is not supplied for numbers that are not whole`);
  if (kind !== "e" && kind !== "f" && kind !== "g") return unfit(value, directive);
  if (flags.has("#")) throw new Error("sprintf: the flag # is not supplied for numbers that are not whole");
  let sign = value < 0 || Object.is(value, -0) ? "-" : "";
  if (sign === "" && flags.has("+")) sign = "+";
  else if (sign === "" && flags.has(" ")) sign = " ";
  const text = goFloat(Math.abs(value), { verb: kind, precision: precision ?? (kind === "g" ? null : 6) });
  const digits = verb === "E" || verb === "G" ? text.toUpperCase() : text;
  const filled = flags.has("0") && !flags.has("-") && width !== null ? digits.padStart(width - sign.length, "0") : digits;
  return padded(sign + filled, { ...directive, flags: without(flags, "0") });
}

function without(flags: ReadonlySet<string>, flag: string): ReadonlySet<string> {
  return new Set([...flags].filter((one) => one !== flag));
}

/** Filled to the width, counted in characters. */
function padded(text: string, { width, flags }: Directive): string {
  const missing = (width ?? 0) - Array.from(text).length;
  if (missing <= 0) return text;
  if (flags.has("-")) return text + " ".repeat(missing);
  return (flags.has("0") ? "0" : " ").repeat(missing) + text;
}
