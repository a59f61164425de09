/** A function of a WebAssembly module that is to be answered by its host instead. */
export interface Redirect {
  /** Its name in the module's name section. */
  readonly symbol: string;
  /** Parameters, each an i32 as is the result. */
  readonly arity: 1 | 2 | 3 | 4;
  /** By which the host's `opa_builtinN` knows it. */
  readonly id: number;
  /** Under which name the function as it was is exported. */
  readonly exportAs: string;
}

const SECTION = { custom: 0, type: 1, import: 2, function: 3, export: 7, code: 10 } as const;
const I32 = 0x7f;
const HEADER_BYTES = 8;

/**
 * Makes functions of a module call the host's `opa_builtinN(id, 0, arguments…)`, and exports what they were before. OPA's compiler decides by name alone
 * which builtins its WebAssembly carries in itself, so that what is wrong there can be put right only in what it made. A symbol that is not there is not
 * called by the module: the compiler leaves out what is not.
 * @throws Error if the module names none of its functions, or one of them is not what it is said to be
 */
export function redirectFunctions(wasm: Uint8Array, redirects: readonly Redirect[]): Uint8Array<ArrayBuffer> {
  const sections = readSections(wasm);
  const names = readNames(sections);
  const imported = readImports(required(sections, SECTION.import));
  const types = readTypes(required(sections, SECTION.type));
  const typeOf = readVector(required(sections, SECTION.function), (reader) => reader.unsigned());
  const bodies = readVector(required(sections, SECTION.code), (reader) => reader.bytes(reader.unsigned()));
  const added: Uint8Array[] = [];
  for (const { symbol, arity, id, exportAs } of redirects) {
    const index = names.get(symbol);
    if (index === undefined) continue;
    const at = index - imported.length;
    const [type, body, host] = [typeOf[at], bodies[at], imported.indexOf(`opa_builtin${arity}`)];
    if (type === undefined || body === undefined || host === -1 || types[type] !== arity) throw new Error(`${symbol} of the policy is not the function that its name says`);
    added.push(Buffer.concat([named(exportAs), Uint8Array.of(0), unsigned(imported.length + bodies.length)]));
    bodies.push(body);
    typeOf.push(type);
    bodies[at] = callOf(host, id, arity);
  }
  const changed = new Map<number, Uint8Array>([
    [SECTION.function, vector(typeOf.map(unsigned))],
    [SECTION.export, appended(required(sections, SECTION.export), added)],
    [SECTION.code, vector(bodies.map((body) => Buffer.concat([unsigned(body.length), body])))],
  ]);
  return new Uint8Array(Buffer.concat([wasm.subarray(0, HEADER_BYTES), ...sections.map(({ id, content }) => written(id, changed.get(id) ?? content))]));
}

interface Section {
  readonly id: number;
  readonly content: Uint8Array;
}

function readSections(wasm: Uint8Array): readonly Section[] {
  const reader = new Reader(wasm.subarray(HEADER_BYTES));
  const sections: Section[] = [];
  while (!reader.isAtEnd) sections.push({ id: reader.unsigned(), content: reader.bytes(reader.unsigned()) });
  return sections;
}

function required(sections: readonly Section[], id: number): Uint8Array {
  const found = sections.find((section) => section.id === id);
  if (found === undefined) throw new Error("the policy lacks a part that every policy has");
  return found.content;
}

/** Names of functions (subsection 1 of the section `name`), each with its index. */
function readNames(sections: readonly Section[]): ReadonlyMap<string, number> {
  for (const { content } of sections.filter(({ id }) => id === SECTION.custom)) {
    const reader = new Reader(content);
    if (reader.text() !== "name") continue;
    while (!reader.isAtEnd) {
      const [kind, subsection] = [reader.unsigned(), reader.bytes(reader.unsigned())];
      if (kind === 1) return new Map(readVector(subsection, (entry) => [entry.unsigned(), entry.text()] as const).map(([index, name]) => [name, index]));
    }
  }
  throw new Error("the policy does not name its functions: it was stripped, or not made by `opa build`");
}

/** Fields of what is imported, functions alone, in order of their indices. */
function readImports(content: Uint8Array): readonly string[] {
  const fields = readVector(content, (reader) => {
    reader.text();
    const [field, kind] = [reader.text(), reader.unsigned()];
    if (kind === 0) reader.unsigned();
    else if (kind === 2) reader.limits();
    else throw new Error("the policy imports what no policy does");
    return kind === 0 ? field : null;
  });
  return fields.filter((field) => field !== null);
}

/** Parameters of each type if all of them and the one result are i32; else -1. */
function readTypes(content: Uint8Array): readonly number[] {
  return readVector(content, (reader) => {
    reader.unsigned();
    const [parameters, results] = [reader.bytes(reader.unsigned()), reader.bytes(reader.unsigned())];
    const isPlain = results.length === 1 && [...parameters, ...results].every((type) => type === I32);
    return isPlain ? parameters.length : -1;
  });
}

function readVector<T>(content: Uint8Array, item: (reader: Reader) => T): T[] {
  const reader = new Reader(content);
  return Array.from({ length: reader.unsigned() }, () => item(reader));
}

/** Without locals: constants and arguments onto the stack, and the call. */
function callOf(host: number, id: number, arity: number): Uint8Array {
  const gets = Array.from({ length: arity }, (_, index) => [0x20, index]).flat();
  return Buffer.concat([Uint8Array.of(0, 0x41), signed(id), Uint8Array.of(0x41, 0, ...gets, 0x10), unsigned(host), Uint8Array.of(0x0b)]);
}

function appended(content: Uint8Array, added: readonly Uint8Array[]): Uint8Array {
  const reader = new Reader(content);
  const count = reader.unsigned();
  return Buffer.concat([unsigned(count + added.length), reader.rest(), ...added]);
}

function vector(items: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([unsigned(items.length), ...items]);
}

function written(id: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(id), unsigned(content.length), content]);
}

function named(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  return Buffer.concat([unsigned(bytes.length), bytes]);
}

/** LEB128, as are all numbers of the format (WebAssembly core specification §5.2.2). */
function unsigned(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Uint8Array.of(...bytes, rest);
}

/** Of a number that is not below zero. */
function signed(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x3f; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Uint8Array.of(...bytes, rest);
}

class Reader {
  readonly #content: Uint8Array;
  #at = 0;

  constructor(content: Uint8Array) {
    this.#content = content;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#content.length;
  }

  unsigned(): number {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = this.#content[this.#at];
      if (byte === undefined || factor > 2 ** 28) throw new Error("the policy is cut off");
      this.#at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
  }

  bytes(count: number): Uint8Array {
    if (this.#at + count > this.#content.length) throw new Error("the policy is cut off");
    this.#at += count;
    return this.#content.subarray(this.#at - count, this.#at);
  }

  text(): string {
    return Buffer.from(this.bytes(this.unsigned())).toString();
  }

  rest(): Uint8Array {
    return this.bytes(this.#content.length - this.#at);
  }

  /** Of a memory. */
  limits(): void {
    if (this.unsigned() % 2 === 1) this.unsigned();
    this.unsigned();
  }
}
