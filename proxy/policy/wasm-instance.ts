import type { InputText } from "./input-text.ts";
import { AS_IT_WAS, type Correction } from "./builtins/corrections.ts";
import { CORRECTED } from "./corrected-module.ts";
import { readValue, writeValue, type RegoValue } from "./rego-value.ts";
import type { CompiledModule } from "../../common/rego/web-assembly.ts";

const PAGE_BYTES = 64 * 1024;
const INITIAL_PAGES = 8;
/** Largest answer of a policy, in bytes: the agreed shape with all of its texts is far below. */
const ANSWER_LIMIT_BYTES = 256 << 10;
/** Largest argument and result of one builtin, in bytes: what JavaScript makes of it takes a multiple, outside of the linear memory's ceiling. */
const VALUE_LIMIT_BYTES = 4 << 20;
/** How `opa_eval` writes its answer: as JSON, which has no sets, or as Rego writes values. */
const FORMATS = { json: 0, value: 1 } as const;

/** A builtin of Rego; undefined where OPA is undefined. An error that it throws fails the whole evaluation. */
export type Builtin = (...args: RegoValue[]) => RegoValue | undefined;

/** What OPA's compiler exports, ABI 1.2 and later (https://www.openpolicyagent.org/docs/wasm). Addresses are numbers. */
interface Exports {
  readonly opa_wasm_abi_version: { readonly value: number };
  readonly opa_wasm_abi_minor_version: { readonly value: number };
  opa_malloc(bytes: number): number;
  opa_json_parse(address: number, bytes: number): number;
  opa_value_parse(address: number, bytes: number): number;
  opa_value_dump(value: number): number;
  opa_json_dump(value: number): number;
  opa_heap_ptr_get(): number;
  opa_value_add_path(base: number, path: number, value: number): number;
  opa_heap_ptr_set(address: number): void;
  opa_eval_ctx_new(): number;
  opa_eval_ctx_set_input(context: number, input: number): void;
  opa_eval_ctx_set_data(context: number, data: number): void;
  opa_eval_ctx_set_entrypoint(context: number, entryPoint: number): void;
  opa_eval_ctx_get_result(context: number): number;
  readonly eval: (context: number) => number;
  opa_eval(...call: readonly [reserved: 0, entryPoint: number, data: number, input: number, inputBytes: number, heap: number, format: number]): number;
  builtins(): number;
  entrypoints(): number;
}

export interface InstanceParts {
  readonly module: CompiledModule;
  /** The policy data as JSON. */
  readonly data: string;
  readonly memoryLimitBytes: number;
  readonly builtins: Readonly<Record<string, Builtin>>;
}

/**
 * One instance of a policy that OPA compiled, with its data in its linear memory. The runtime that OPA publishes does the same, but gives builtins sets as
 * lists and rounds their numbers, prefers its own `sprintf` and a `regex.split` that can be stalled, and prints to the console.
 */
export class WasmInstance {
  readonly #exports: Exports;
  readonly #memory: WebAssembly.Memory;
  readonly #entryPoints: Readonly<Record<string, number>>;
  /** Those of the corrected builtins as they were, by the names that they are exported under. */
  readonly #own: Readonly<Record<string, (...args: number[]) => number>>;
  readonly #data: number;
  readonly #heap: number;

  /** @throws Error or whatever the policy's own runtime throws if it is not a policy, or does not fit */
  constructor({ module, data, memoryLimitBytes, builtins }: InstanceParts) {
    const maximum = Math.floor(memoryLimitBytes / PAGE_BYTES);
    this.#memory = new WebAssembly.Memory({ initial: Math.min(INITIAL_PAGES, maximum), maximum });
    let names: ReadonlyMap<number, string> = new Map();
    const call = (id: number, _context: number, ...args: number[]) => {
      const correction = CORRECTED.get(id);
      return correction === undefined ? this.#call(names.get(id) ?? `${id}`, builtins, args) : this.#correct(correction, args);
    };
    const env = {
      memory: this.#memory, opa_println: () => {}, opa_abort: (address: number) => { throw new Error(`the policy stopped: ${this.#text(address, ANSWER_LIMIT_BYTES)}`); },
      opa_builtin0: call, opa_builtin1: call, opa_builtin2: call, opa_builtin3: call, opa_builtin4: call,
    };
    this.#exports = new WebAssembly.Instance(module, { env }).exports as unknown as Exports;
    const { opa_wasm_abi_version: major, opa_wasm_abi_minor_version: minor } = this.#exports;
    if (major.value !== 1 || minor.value < 2) throw new Error(`a policy of ABI ${major.value}.${minor.value}; 1.2 and later are understood`);
    this.#own = this.#exports as unknown as Readonly<Record<string, (...args: number[]) => number>>;
    names = new Map(Object.entries(this.#json(this.#exports.builtins())).map(([name, id]) => [id, name]));
    this.#entryPoints = this.#json(this.#exports.entrypoints());
    this.#data = this.#load(data, (address, bytes) => this.#exports.opa_json_parse(address, bytes));
    this.#heap = this.#exports.opa_heap_ptr_get();
  }

  get memoryBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  get entryPoints(): readonly string[] {
    return Object.keys(this.#entryPoints);
  }

  /** @param input as JSON; none if it is empty @returns the text of the result set. After anything thrown the instance is not fit to be used again */
  evaluate(entryPoint: string, input: string, format: keyof typeof FORMATS = "json"): string {
    const id = this.#entryPoints[entryPoint];
    if (id === undefined) throw new Error(`the policy has no entry point ${entryPoint}`);
    const inputBytes = this.#write(input, this.#heap);
    const at = inputBytes === 0 ? 0 : this.#heap;
    const answer = this.#exports.opa_eval(0, id, this.#data, at, inputBytes, this.#heap + inputBytes, FORMATS[format]);
    return this.#text(answer, ANSWER_LIMIT_BYTES);
  }

  /**
   * Evaluates several inputs that may share one member. @returns a result set for each, as JSON, in order. After anything thrown the instance is not fit to
   * be used again
   */
  evaluateAll(entryPoint: string, { inputs, json }: InputText): readonly string[] {
    if (json === null) return inputs.map((input) => this.evaluate(entryPoint, input));
    const id = this.#entryPoints[entryPoint];
    if (id === undefined) throw new Error(`the policy has no entry point ${entryPoint}`);
    const parse = (text: string): number => this.#load(text, (address, bytes) => this.#exports.opa_json_parse(address, bytes));
    this.#exports.opa_heap_ptr_set(this.#heap);
    const shared = parse(json);
    const after = this.#exports.opa_heap_ptr_get();
    return inputs.map((text) => {
      this.#exports.opa_heap_ptr_set(after);
      const input = parse(text);
      if (this.#exports.opa_value_add_path(input, parse(`["json"]`), shared) !== 0) throw new Error("the parts of an input could not be put together");
      return this.#evaluateParsed(id, input);
    });
  }

  /** What `opa_eval` does once it has parsed the input. */
  #evaluateParsed(entryPoint: number, input: number): string {
    const exports = this.#exports;
    const { eval: run } = exports;
    const context = exports.opa_eval_ctx_new();
    exports.opa_eval_ctx_set_input(context, input);
    exports.opa_eval_ctx_set_data(context, this.#data);
    exports.opa_eval_ctx_set_entrypoint(context, entryPoint);
    run(context);
    return this.#text(exports.opa_json_dump(exports.opa_eval_ctx_get_result(context)), ANSWER_LIMIT_BYTES);
  }

  #call(name: string, builtins: Readonly<Record<string, Builtin>>, args: readonly number[]): number {
    const builtin = Object.hasOwn(builtins, name) ? builtins[name] : undefined;
    if (builtin === undefined) throw new Error(`the policy calls ${name}, which is not supplied (docs/policy-builtins.md)`);
    return this.#give(builtin(...args.map((address) => this.#take(address))));
  }

  #correct({ exportAs, answer }: Correction & { readonly exportAs: string }, args: readonly number[]): number {
    const result = answer((index) => this.#take(args[index] ?? 0));
    return result === AS_IT_WAS ? this.#own[exportAs]?.(...args) ?? 0 : this.#give(result);
  }

  #take(address: number): RegoValue {
    return readValue(this.#text(this.#exports.opa_value_dump(address), VALUE_LIMIT_BYTES));
  }

  #give(value: RegoValue | undefined): number {
    return value === undefined ? 0 : this.#load(writeValue(value), (address, bytes) => this.#exports.opa_value_parse(address, bytes));
  }

  #load(text: string, parse: (address: number, bytes: number) => number): number {
    const bytes = Buffer.from(text);
    const address = this.#exports.opa_malloc(bytes.byteLength);
    new Uint8Array(this.#memory.buffer).set(bytes, address);
    const value = parse(address, bytes.byteLength);
    if (value === 0) throw new Error("the policy cannot read a value that it is given");
    return value;
  }

  /** Writes text from an address on, beyond what the policy has allocated. @returns its bytes */
  #write(text: string, address: number): number {
    const bytes = Buffer.byteLength(text);
    const missing = address + bytes - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE_BYTES));
    Buffer.from(this.#memory.buffer, address, bytes).write(text);
    return bytes;
  }

  #json(value: number): Record<string, number> {
    return JSON.parse(this.#text(this.#exports.opa_json_dump(value), VALUE_LIMIT_BYTES)) as Record<string, number>;
  }

  /** Text that ends with a zero byte. */
  #text(address: number, limitBytes: number): string {
    const most = Buffer.from(this.#memory.buffer, address, Math.min(limitBytes + 1, this.#memory.buffer.byteLength - address));
    const end = most.indexOf(0);
    if (end === -1) throw new Error(`a value of the policy is longer than ${limitBytes} bytes`);
    return most.toString("utf8", 0, end);
  }
}
