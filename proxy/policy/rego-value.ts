/**
 * Values of Rego as OPA's WebAssembly writes them (`opa_value_dump`): JSON, and beside it sets and objects with keys of any kind. Whole numbers that a
 * JavaScript number cannot hold are `bigint`, so that nanoseconds keep their last digits.
 */
export type RegoValue = null | boolean | number | bigint | string | readonly RegoValue[] | RegoSet | RegoObject | WrittenNumber;

/** A number whose text says more than its worth in JavaScript (`1.0`, `1e400`); only {@link readWritten} makes such. */
export class WrittenNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Values, each once. */
export class RegoSet {
  readonly #members = new Map<string, RegoValue>();

  constructor(members: Iterable<RegoValue> = []) {
    for (const member of members) this.#members.set(writeValue(member), member);
  }

  has(member: RegoValue): boolean {
    return this.#members.has(writeValue(member));
  }

  /** In Rego's order. */
  get members(): readonly RegoValue[] {
    return [...this.#members.values()].sort(compareValues);
  }

  get size(): number {
    return this.#members.size;
  }
}

/** Keys of any kind, each once; the later of two wins. */
export class RegoObject {
  readonly #entries = new Map<string, readonly [key: RegoValue, value: RegoValue]>();

  constructor(entries: Iterable<readonly [key: RegoValue, value: RegoValue]> = []) {
    for (const [key, value] of entries) this.#entries.set(writeValue(key), [key, value]);
  }

  get(key: RegoValue): RegoValue | undefined {
    return this.#entries.get(writeValue(key))?.[1];
  }

  /** In Rego's order of their keys. */
  get entries(): readonly (readonly [key: RegoValue, value: RegoValue])[] {
    return [...this.#entries.values()].sort(([a], [b]) => compareValues(a, b));
  }

  get size(): number {
    return this.#entries.size;
  }
}

/** The text of a value, the same for equal values. */
export function writeValue(value: RegoValue): string {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (value instanceof WrittenNumber) return value.text;
  if (value instanceof RegoSet) return value.size === 0 ? "set()" : `{${value.members.map(writeValue).join(",")}}`;
  if (value instanceof RegoObject) return `{${value.entries.map(([key, of]) => `${writeValue(key)}:${writeValue(of)}`).join(",")}}`;
  return `[${value.map(writeValue).join(",")}]`;
}

/** Rego's order of all values: null, booleans, numbers, strings by code point, arrays, objects, sets. */
export function compareValues(a: RegoValue, b: RegoValue): number {
  const [left, right] = [rankOf(a), rankOf(b)];
  if (left !== right) return left - right;
  if (typeof a === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b as string));
  if (left === NUMBER_RANK) return order(worth(a), worth(b));
  if (typeof a !== "object" || a === null || a instanceof WrittenNumber) return order(a as number, b as number);
  const [ours, theirs] = [partsOf(a), partsOf(b as readonly RegoValue[] | RegoSet | RegoObject)];
  for (const [index, part] of ours.entries()) {
    const other = theirs[index];
    if (other === undefined) return 1;
    const compared = compareValues(part, other);
    if (compared !== 0) return compared;
  }
  return ours.length - theirs.length;
}

/** Of two numbers one of which is beyond JavaScript's, this is the nearest that it has. */
function worth(value: RegoValue): number {
  return value instanceof WrittenNumber ? Number(value.text) : value as number;
}

function order(a: number, b: number): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

const NUMBER_RANK = 2;

function rankOf(value: RegoValue): number {
  if (value === null) return 0;
  if (typeof value === "boolean") return 1;
  if (typeof value === "number" || typeof value === "bigint" || value instanceof WrittenNumber) return NUMBER_RANK;
  if (typeof value === "string") return 3;
  if (value instanceof RegoObject) return 5;
  return value instanceof RegoSet ? 6 : 4;
}

/** What is compared one after the other: of objects all keys first. */
function partsOf(value: readonly RegoValue[] | RegoSet | RegoObject): readonly RegoValue[] {
  if (value instanceof RegoSet) return value.members;
  return value instanceof RegoObject ? [...value.entries.map(([key]) => key), ...value.entries.map(([, of]) => of)] : value;
}

/** Reads what `opa_value_dump` wrote. @throws SyntaxError for anything else */
export function readValue(text: string): RegoValue {
  return readWith(text, readNumber);
}

/** The same for what shows numbers as they are written: those that JavaScript would write otherwise are {@link WrittenNumber}, those beyond its own too. */
export function readWritten(text: string): RegoValue {
  return readWith(text, (number) => (/[.eE]/.test(number) && String(Number(number)) !== number ? new WrittenNumber(number) : readNumber(number)));
}

function readWith(text: string, numberOf: (text: string) => RegoValue): RegoValue {
  const reader = new Reader(text, numberOf);
  const value = reader.value();
  reader.end();
  return value;
}

/** Arrays and objects within each other that are read; the same that OPA's own parser of JSON takes is far less. */
const DEPTH_LIMIT = 1_000;
const NUMBER = /-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\]|\\.)*"/sy;

class Reader {
  readonly #text: string;
  readonly #numberOf: (text: string) => RegoValue;
  #at = 0;
  #depth = 0;

  constructor(text: string, numberOf: (text: string) => RegoValue) {
    this.#text = text;
    this.#numberOf = numberOf;
  }

  value(): RegoValue {
    const character = this.#text[this.#at];
    if (character === '"') return JSON.parse(this.#match(STRING)) as string;
    if (character === "[") return this.#nested(() => this.#list("]"));
    if (character === "{") return this.#nested(() => this.#braces());
    for (const [word, value] of WORDS) if (this.#skip(word)) return typeof value === "object" && value !== null ? new RegoSet() : value;
    return this.#numberOf(this.#match(NUMBER));
  }

  end(): void {
    if (this.#at !== this.#text.length) throw this.#unreadable();
  }

  /** Members after an opening character, up to the closing one. */
  #list(closing: string): RegoValue[] {
    this.#at += 1;
    const members: RegoValue[] = [];
    if (this.#skip(closing)) return members;
    do members.push(this.value()); while (this.#skip(","));
    this.#expect(closing);
    return members;
  }

  /** An object, or a set that is not empty. */
  #braces(): RegoObject | RegoSet {
    this.#at += 1;
    if (this.#skip("}")) return new RegoObject();
    const entries: [RegoValue, RegoValue][] = [];
    const members: RegoValue[] = [];
    do {
      const first = this.value();
      if (this.#skip(":")) entries.push([first, this.value()]);
      else members.push(first);
    } while (this.#skip(","));
    this.#expect("}");
    if (entries.length > 0 && members.length > 0) throw this.#unreadable();
    return entries.length > 0 ? new RegoObject(entries) : new RegoSet(members);
  }

  #nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > DEPTH_LIMIT) throw this.#unreadable();
    const value = read();
    this.#depth -= 1;
    return value;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found === undefined) throw this.#unreadable();
    this.#at += found.length;
    return found;
  }

  #skip(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    while (this.#text[this.#at] === " ") this.#at += 1;
    return true;
  }

  #expect(text: string): void {
    if (!this.#skip(text)) throw this.#unreadable();
  }

  #unreadable(): SyntaxError {
    return new SyntaxError(`not a value of Rego at character ${this.#at}`);
  }
}

const WORDS: readonly (readonly [word: string, value: RegoValue])[] = [["true", true], ["false", false], ["null", null], ["set()", new RegoSet()]];

/** Exact where it is whole; otherwise the nearest that a JavaScript number can be. @throws SyntaxError if it is beyond all of them */
export function readNumber(text: string): number | bigint {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  if (/^-?\d+$/.test(text)) return BigInt(text);
  if (!Number.isFinite(value)) throw new SyntaxError("a number beyond what can be calculated with");
  return value;
}
