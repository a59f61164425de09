import { WasmReader } from "./wasm-format.ts";

/** Sections by their numbers (§5.5.2); what is above the last came with later extensions of WebAssembly, of which no policy has any. */
export const SECTION = { custom: 0, type: 1, import: 2, function: 3, table: 4, memory: 5, export: 7, code: 10, last: 12 } as const;
/** What every module begins with: its magic and the version of the format (§5.5.16). */
const PREAMBLE = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
const I32 = 0x7f;
const NUMBERS: readonly number[] = [I32, 0x7e, 0x7d, 0x7c];
const FUNCTION_TYPE = 0x60;
const FUNCTION_REFERENCE = 0x70;
const IMPORTED = { function: 0, memory: 2 } as const;
const BOUNDED = 1;
/** Entries of the one table, for calls by number; OPA's has as many as its functions are called so, some hundred. */
const TABLE_LIMIT = 65_536;
/** Sections, most of them custom ones; OPA writes a dozen. */
const SECTIONS_LIMIT = 100;
/** The subsection of the section `name` that names functions (§7.4.1). */
const FUNCTION_NAMES = 1;

export interface Section {
  readonly id: number;
  readonly content: Uint8Array;
}

/** A policy in WebAssembly, taken apart. Functions are counted from the imported ones on, and then in order of `bodies`. */
export interface PolicyModule {
  readonly preamble: Uint8Array;
  readonly sections: readonly Section[];
  /** Names of the imported functions, in order. */
  readonly imported: readonly string[];
  /** For each type how many i32 it takes if it takes nothing else and gives one i32; null for all others. */
  readonly arities: readonly (number | null)[];
  /** The type of each function of its own. */
  readonly typeOf: readonly number[];
  /** The code of each function of its own. */
  readonly bodies: readonly Uint8Array[];
  /** What it exports: how many entries, and their bytes. */
  readonly exports: { readonly count: number; readonly entries: Uint8Array };
  /** What each named function is called, by its number. */
  readonly names: ReadonlyMap<number, string>;
}

/**
 * Takes a policy apart, as far as its functions go. It may hold no more than its host sees: its memory is the host's and its table has an end, so that what the
 * host allows it is all that it can take.
 * @throws Error if it is no WebAssembly, or none of OPA's compiler
 */
export function readModule(wasm: Uint8Array): PolicyModule {
  const sections = readSections(wasm);
  const part = (id: number) => new WasmReader(required(sections, id));
  if (sections.some(({ id }) => id === SECTION.memory)) throw new Error("the policy has a memory of its own; it has to use its host's");
  for (const { content } of sections.filter(({ id }) => id === SECTION.table)) checkTables(new WasmReader(content));
  return {
    preamble: wasm.subarray(0, PREAMBLE.length), sections,
    imported: part(SECTION.import).vector(importedFunction).filter((found) => found !== null),
    arities: part(SECTION.type).vector(arity),
    typeOf: part(SECTION.function).vector((reader) => reader.u32()),
    bodies: part(SECTION.code).vector((reader) => reader.sized()),
    exports: part(SECTION.export).restOfVector(),
    names: readNames(sections),
  };
}

function readSections(wasm: Uint8Array): readonly Section[] {
  if (Buffer.compare(PREAMBLE, wasm.subarray(0, PREAMBLE.length)) !== 0) throw new Error("the policy is no WebAssembly of version 1");
  const reader = new WasmReader(wasm.subarray(PREAMBLE.length));
  const sections: Section[] = [];
  while (!reader.isAtEnd) {
    const [id, content] = [reader.byte(), reader.sized()];
    const isTwice = id !== SECTION.custom && sections.some((section) => section.id === id);
    if (id > SECTION.last || isTwice) throw new Error(`the policy has a section ${id} that no policy has${isTwice ? " twice" : ""}`);
    if (sections.length >= SECTIONS_LIMIT) throw new Error(`the policy has more than ${SECTIONS_LIMIT} sections`);
    sections.push({ id, content });
  }
  return sections;
}

function required(sections: readonly Section[], id: number): Uint8Array {
  const found = sections.find((section) => section.id === id);
  if (found === undefined) throw new Error("the policy lacks a part that every policy has");
  return found.content;
}

/** An import (§5.5.5): the name of a function; null for the memory. */
function importedFunction(reader: WasmReader): string | null {
  reader.name();
  const [name, kind] = [reader.name(), reader.byte()];
  if (kind === IMPORTED.function) reader.u32();
  else if (kind === IMPORTED.memory) readLimits(reader);
  else throw new Error("the policy imports what no policy does");
  return kind === IMPORTED.function ? name : null;
}

/** A function type (§5.3.6) of numbers; types of anything else did not exist when OPA's compiler learned to write them. */
function arity(reader: WasmReader): number | null {
  const [form, parameters, results] = [reader.byte(), reader.byteVector(), reader.byteVector()];
  const all = [...parameters, ...results];
  if (form !== FUNCTION_TYPE || !all.every((type) => NUMBERS.includes(type))) throw new Error("the policy has a type that no policy has");
  return results.length === 1 && all.every((type) => type === I32) ? parameters.length : null;
}

/** Tables (§5.5.7): of functions, one, and with an end. */
function checkTables(reader: WasmReader): void {
  const ends = reader.vector((table) => {
    if (table.byte() !== FUNCTION_REFERENCE) throw new Error("the policy has a table that no policy has");
    return readLimits(table);
  });
  if (ends.length > 1 || ends.some((end) => end === null || end > TABLE_LIMIT)) throw new Error("the policy has a table without an end");
}

/** Limits (§5.3.7). @returns the upper one; null if there is none */
function readLimits(reader: WasmReader): number | null {
  const flag = reader.byte();
  if (flag > BOUNDED) throw new Error("the policy has limits that no policy has");
  reader.u32();
  return flag === BOUNDED ? reader.u32() : null;
}

function readNames(sections: readonly Section[]): ReadonlyMap<number, string> {
  for (const { content } of sections.filter(({ id }) => id === SECTION.custom)) {
    const reader = new WasmReader(content);
    if (reader.name() !== "name") continue;
    while (!reader.isAtEnd) {
      const [kind, subsection] = [reader.byte(), reader.sized()];
      if (kind === FUNCTION_NAMES) return nameMap(new WasmReader(subsection));
    }
  }
  throw new Error("the policy does not name its functions: it was stripped, or not made by `opa build`");
}

/** A name map (§7.4.1): each function once. */
function nameMap(reader: WasmReader): ReadonlyMap<number, string> {
  const entries = reader.vector((entry) => [entry.u32(), entry.name()] as const);
  const names = new Map(entries);
  if (names.size < entries.length) throw new Error("the policy names one of its functions twice");
  return names;
}
