import { EgressError } from "../../errors.ts";

/** A limit of output that is larger means none. */
const COUNT_LIMIT = 1_000_000_000;

/**
 * The fields of one JSON object that mean something here. Servers differ in how they take names: some ignore case, some take `maxOutputTokens`
 * and `max_output_tokens` for one. A field that matters must be there in one writing only, and (unless `isLoose`) in the provider's own.
 */
export class Fields {
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #isLoose: boolean;
  /** Keys by their folded form; null for one that has several. */
  readonly #byFold = new Map<string, string | null>();

  /** @param isLoose for APIs in Protocol Buffers' JSON, which has two writings of each name */
  constructor(object: Readonly<Record<string, unknown>>, isLoose = false) {
    this.#object = object;
    this.#isLoose = isLoose;
    for (const key of Object.keys(object)) {
      const folded = fold(key);
      this.#byFold.set(folded, this.#byFold.has(folded) ? null : key);
    }
  }

  /** @throws EgressError `request.malformed` if it is not an object */
  static of(value: unknown, isLoose = false): Fields {
    if (!isObject(value)) throw malformed("a body that is no object");
    return new Fields(value, isLoose);
  }

  /** The name as the object has it, for a value that is to be set. */
  key(name: string): string {
    return this.#found(name) ?? name;
  }

  /** Undefined for what is missing and for null. */
  get(name: string): unknown {
    const key = this.#found(name);
    return key === null ? undefined : this.#object[key] ?? undefined;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  text(name: string): string | null {
    const value = this.get(name);
    if (value === undefined) return null;
    if (typeof value !== "string") throw malformed(`${name} is no string`);
    return value;
  }

  flag(name: string): boolean {
    const value = this.get(name);
    if (value === undefined) return false;
    if (typeof value !== "boolean") throw malformed(`${name} is neither true nor false`);
    return value;
  }

  /** A whole number, not negative; null if there is none. */
  count(name: string): number | null {
    const value = this.get(name);
    if (value === undefined) return null;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0) throw malformed(`${name} is no whole number`);
    return Math.min(value, COUNT_LIMIT);
  }

  /** Empty where it is missing. */
  list(name: string): readonly unknown[] {
    const value = this.get(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw malformed(`${name} is no list`);
    return value;
  }

  /** Null where it is missing. */
  object(name: string): Fields | null {
    const value = this.get(name);
    if (value === undefined) return null;
    if (!isObject(value)) throw malformed(`${name} is no object`);
    return new Fields(value, this.#isLoose);
  }

  keys(): readonly string[] {
    return Object.keys(this.#object);
  }

  #found(name: string): string | null {
    const folded = fold(name);
    if (!this.#byFold.has(folded)) return null;
    const key = this.#byFold.get(folded) ?? null;
    if (key === null) throw malformed(`${name} in two writings`);
    if (key !== name && !this.#isLoose) throw malformed(`${name} in an unusual writing`);
    return key;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Objects of a list; what is none is left to the provider to refuse. */
export function objectsOf(list: readonly unknown[], isLoose = false): readonly Fields[] {
  return list.filter(isObject).map((one) => new Fields(one, isLoose));
}

/** The parts of a content that is a list; what is one text, or nothing, has none. */
export function partsOf(content: unknown, isLoose = false): readonly Fields[] {
  return Array.isArray(content) ? objectsOf(content, isLoose) : [];
}

function fold(key: string): string {
  return key.toLowerCase().replaceAll("_", "");
}

/** @param detail is told to the agent: names of fields, never their values */
export function malformed(detail: string): EgressError {
  const reason = `What this request to a model may cost cannot be told: ${detail}.`;
  const hint = "Send it as the provider's documentation says, each field once.";
  return new EgressError("request.malformed", detail, { explanation: { rule: "metering.malformed", reason, hint } });
}
