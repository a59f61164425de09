import { LinearMemory } from "./linear-memory.ts";
import type { CompiledModule } from "./web-assembly.ts";

/** Largest answer of a policy, in bytes: the agreed shapes with all of their texts are far below. */
const ANSWER_LIMIT_BYTES = 256 << 10;
/** Largest value that goes to or from a host, in bytes: what JavaScript makes of it takes a multiple, outside of the linear memory's ceiling. */
const VALUE_LIMIT_BYTES = 4 << 20;
/** How `opa_eval` writes its answer: as JSON, which has no sets, or as Rego writes values. */
const FORMATS = { json: 0, value: 1 } as const;

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

/** What a host may do with the policy that calls it. */
export interface CallingPolicy {
  /** Name of a builtin that the policy leaves to its host, by the number under which it calls it. */
  nameOf(id: number): string | undefined;
  /** The text of a value, as Rego writes values. */
  textOf(value: number): string;
  /** A value by its text. @returns its address */
  valueOf(text: string): number;
  /** Calls a function that the policy exports beside OPA's own. */
  call(name: string, args: readonly number[]): number;
}

/**
 * Answers what a policy calls of its host. @param args addresses of values @returns the address of a value; 0 where Rego is undefined. An error that it throws
 * fails the whole evaluation
 */
export type HostCalls = (id: number, args: readonly number[], policy: CallingPolicy) => number;

export interface InstanceParts {
  readonly module: CompiledModule;
  /** The policy data as JSON. */
  readonly data: string;
  /** Ceiling of the linear memory, in bytes; rounded down to pages of 64 KiB. */
  readonly memoryLimitBytes: number;
  /** Without it a policy that calls its host fails. */
  readonly hostCalls?: HostCalls;
}

/** A member that several inputs have in common, written once: its name and its JSON. */
export interface SharedMember {
  readonly name: string;
  readonly json: string;
}

/**
 * One instance of a policy that OPA compiled, with its data in its linear memory. An evaluation cannot be interrupted from outside: a policy that may take long
 * needs a thread of its own, which can be killed.
 */
export class RegoInstance {
  readonly #exports: Exports;
  readonly #memory: LinearMemory;
  readonly #entryPoints: ReadonlyMap<string, number>;
  readonly #names: ReadonlyMap<number, string>;
  readonly #data: number;
  readonly #heap: number;

  /** @throws Error or whatever the policy's own runtime throws if it is not a policy, or does not fit */
  constructor({ module, data, memoryLimitBytes, hostCalls = refuse }: InstanceParts) {
    this.#memory = new LinearMemory(memoryLimitBytes);
    const calling: CallingPolicy = {
      nameOf: (id) => this.#names.get(id),
      textOf: (value) => this.#memory.textAt(this.#exports.opa_value_dump(value), VALUE_LIMIT_BYTES),
      valueOf: (text) => this.#load(text, (address, bytes) => this.#exports.opa_value_parse(address, bytes)),
      call: (name, args) => this.#exported(name)(...args),
    };
    const call = (id: number, _context: number, ...args: number[]) => hostCalls(id, args, calling);
    const abort = (address: number) => { throw new Error(`the policy stopped: ${this.#memory.textAt(address, ANSWER_LIMIT_BYTES)}`); };
    const env = {
      memory: this.#memory.memory, opa_println: () => {}, opa_abort: abort,
      opa_builtin0: call, opa_builtin1: call, opa_builtin2: call, opa_builtin3: call, opa_builtin4: call,
    };
    this.#exports = new WebAssembly.Instance(module, { env }).exports as unknown as Exports;
    const { opa_wasm_abi_version: major, opa_wasm_abi_minor_version: minor } = this.#exports;
    if (major.value !== 1 || minor.value < 2) throw new Error(`a policy of ABI ${major.value}.${minor.value}; 1.2 and later are understood`);
    this.#names = new Map(this.#numbers(this.#exports.builtins()).map(([name, id]) => [id, name]));
    this.#entryPoints = new Map(this.#numbers(this.#exports.entrypoints()));
    this.#data = this.#parse(data);
    this.#heap = this.#exports.opa_heap_ptr_get();
  }

  get memoryBytes(): number {
    return this.#memory.bytes;
  }

  get entryPoints(): readonly string[] {
    return [...this.#entryPoints.keys()];
  }

  /** @param input as JSON; none if it is empty @returns the text of the result set. After anything thrown the instance is not fit to be used again */
  evaluate(entryPoint: string, input: string, format: keyof typeof FORMATS = "json"): string {
    const id = this.#entryPoint(entryPoint);
    this.#memory.makeRoom(this.#heap, Buffer.byteLength(input));
    const inputBytes = this.#memory.write(this.#heap, input);
    const at = inputBytes === 0 ? 0 : this.#heap;
    return this.#answer(this.#exports.opa_eval(0, id, this.#data, at, inputBytes, this.#heap + inputBytes, FORMATS[format]));
  }

  /**
   * Evaluates inputs that have one member in common, which is read once.
   * @param inputs as JSON, without it @returns a result set for each, as JSON, in order. After anything thrown the instance is not fit to be used again
   */
  evaluateSharing(entryPoint: string, inputs: readonly string[], shared: SharedMember): readonly string[] {
    const id = this.#entryPoint(entryPoint);
    this.#exports.opa_heap_ptr_set(this.#heap);
    const member = this.#parse(shared.json);
    const after = this.#exports.opa_heap_ptr_get();
    return inputs.map((text) => {
      this.#exports.opa_heap_ptr_set(after);
      const input = this.#parse(text);
      const path = this.#parse(JSON.stringify([shared.name]));
      if (this.#exports.opa_value_add_path(input, path, member) !== 0) throw new Error("the parts of an input could not be put together");
      return this.#evaluateParsed(id, input);
    });
  }

  #exported(name: string): (...args: readonly number[]) => number {
    const found = (this.#exports as unknown as Readonly<Record<string, unknown>>)[name];
    if (typeof found !== "function") throw new Error(`the policy has no function ${name}`);
    return found as (...args: readonly number[]) => number;
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
    return this.#answer(exports.opa_json_dump(exports.opa_eval_ctx_get_result(context)));
  }

  #entryPoint(name: string): number {
    const id = this.#entryPoints.get(name);
    if (id === undefined) throw new Error(`the policy has no entry point ${name}`);
    return id;
  }

  #answer(address: number): string {
    return this.#memory.textAt(address, ANSWER_LIMIT_BYTES);
  }

  #parse(json: string): number {
    return this.#load(json, (address, bytes) => this.#exports.opa_json_parse(address, bytes));
  }

  #load(text: string, parse: (address: number, bytes: number) => number): number {
    const address = this.#exports.opa_malloc(Buffer.byteLength(text));
    const value = parse(address, this.#memory.write(address, text));
    if (value === 0) throw new Error("the policy cannot read a value that it is given");
    return value;
  }

  #numbers(value: number): [name: string, number: number][] {
    return Object.entries(JSON.parse(this.#memory.textAt(this.#exports.opa_json_dump(value), VALUE_LIMIT_BYTES)) as Record<string, number>);
  }
}

const refuse: HostCalls = (id, _args, policy) => {
  throw new Error(`the policy calls ${policy.nameOf(id) ?? id} of its host, which supplies nothing`);
};
