/** Writes WebAssembly by hand (core specification §5), as strange as a test needs it: nothing is checked here. */

export const I32 = 0x7f;
export const I64 = 0x7e;

/** Instructions, without the `end` of the function. */
export const op = {
  i32: (value: number) => [0x41, ...signed(value)],
  i64: (value: number) => [0x42, ...signed(value)],
  get: (index: number) => [0x20, ...unsigned(index)],
  call: (index: number) => [0x10, ...unsigned(index)],
  add: [0x6a], drop: [0x1a], loopForEver: [0x03, 0x40, 0x0c, 0x00, 0x0b],
} as const;

export interface WrittenFunction {
  readonly exportAs?: string;
  /** In the name section; none by default. */
  readonly name?: string;
  readonly parameters: number;
  /** Type of its one result; null: it has none. */
  readonly result?: number | null;
  readonly body: readonly number[];
}

export interface WrittenModule {
  /** Functions of `env`, by name, with how many i32 they take; each gives an i32. */
  readonly imports?: readonly (readonly [name: string, parameters: number])[];
  readonly functions: readonly WrittenFunction[];
  /** What is in the memory at an address from the beginning; the memory is `env`'s. */
  readonly memory?: ReadonlyMap<number, string>;
  /** Globals of i32 that are exported. */
  readonly globals?: Readonly<Record<string, number>>;
  /** Whole sections, put behind the one of the given number. */
  readonly extra?: readonly (readonly [behind: number, section: readonly number[]])[];
}

export const HEADER: readonly number[] = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

export function writeModule({ imports = [], functions, memory = new Map(), globals = {}, extra = [] }: WrittenModule): Uint8Array<ArrayBuffer> {
  const types = [...imports.map(([, count]) => typeOf(count, I32)), ...functions.map(({ parameters, result = I32 }) => typeOf(parameters, result))];
  const exported = functions.flatMap(({ exportAs }, index) => (exportAs === undefined ? [] : [[...text(exportAs), 0, ...unsigned(imports.length + index)]]));
  const names = functions.flatMap(({ name }, index) => (name === undefined ? [] : [[...unsigned(imports.length + index), ...text(name)]]));
  const sections: (readonly [id: number, content: readonly number[]])[] = [
    [1, vector(types)],
    [2, vector([[...text("env"), ...text("memory"), 2, 0, 1], ...imports.map(([name], index) => [...text("env"), ...text(name), 0, ...unsigned(index)])])],
    [3, vector(functions.map((_, index) => unsigned(imports.length + index)))],
    [6, vector(Object.values(globals).map((value) => [I32, 0, ...op.i32(value), 0x0b]))],
    [7, vector([...exported, ...Object.keys(globals).map((name, index) => [...text(name), 3, ...unsigned(index)])])],
    [10, vector(functions.map(({ body }) => sized([0, ...body, 0x0b])))],
    [11, vector([...memory].map(([at, content]) => [0, ...op.i32(at), 0x0b, ...text(content)]))],
    [0, [...text("name"), ...section(1, vector(names))]],
  ];
  const written = sections.flatMap(([id, content]) => [...section(id, content), ...extra.filter(([behind]) => behind === id).flatMap(([, one]) => one)]);
  return Uint8Array.from([...HEADER, ...written]);
}

export function section(id: number, content: readonly number[]): number[] {
  return [id, ...sized(content)];
}

export function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

export function text(value: string): number[] {
  return sized([...Buffer.from(value)]);
}

function typeOf(parameters: number, result: number | null): number[] {
  return [0x60, ...vector(Array.from({ length: parameters }, () => [I32])), ...vector(result === null ? [] : [[result]])];
}

function sized(content: readonly number[]): number[] {
  return [...unsigned(content.length), ...content];
}

function unsigned(value: number): number[] {
  return value > 0x7f ? [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)] : [value];
}

function signed(value: number): number[] {
  const rest = value >> 7;
  const isLast = (rest === 0 && (value & 0x40) === 0) || (rest === -1 && (value & 0x40) !== 0);
  return isLast ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(rest)];
}
