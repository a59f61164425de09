import { loadPolicy, type LoadedPolicy } from "@open-policy-agent/opa-wasm";
import type { Clock } from "../../common/clock.ts";
import { EgressError } from "../errors.ts";
import { builtinsAt } from "./builtins.ts";
import { ENTRY_POINTS } from "./entry-points.ts";
import type { PolicyInput, Question } from "./policy-engine.ts";
import type { CompiledModule } from "./web-assembly.ts";

const PAGE_BYTES = 64 * 1024;
const INITIAL_PAGES = 8;

export interface WasmLimits {
  /** Longest time of one evaluation, in milliseconds. */
  readonly deadlineMs: number;
  /** Ceiling of the linear memory, in bytes; rounded down to pages of 64 KiB. */
  readonly memoryLimitBytes: number;
}

/**
 * Asks a compiled policy, in this thread (below) or in one of its own (`threaded-policy.ts`).
 * Rejects with EgressError `policy.unavailable`; resolves to a result set of any shape (`answer.ts` reads it).
 */
export interface Evaluator {
  evaluate(question: Question, input: PolicyInput): Promise<unknown>;
  /** Answers what was asked, then gives back what it holds; absent if that is nothing. */
  close?(): Promise<void>;
}

/**
 * One policy in WebAssembly with its data. The instance is used again and again and thrown away after anything unexpected: a trap, a
 * string thrown by OPA's runtime, a memory that has grown; what it left behind is never trusted. An evaluation cannot be interrupted from
 * this thread: the deadline makes a late answer a failure, it does not shorten the wait.
 */
export class WasmPolicy implements Evaluator {
  readonly #module: CompiledModule;
  readonly #data: object;
  readonly #limits: WasmLimits;
  readonly #clock: Clock;
  #instance: Promise<Instance> | null = null;

  private constructor(module: CompiledModule, data: object, limits: WasmLimits, clock: Clock) {
    this.#module = module;
    this.#data = data;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Compiles, loads the data and checks that every question has its entry point. @throws Error if it is not a policy of ours */
  static async open(wasm: Uint8Array<ArrayBuffer>, data: object, options: { limits: WasmLimits; clock: Clock }): Promise<WasmPolicy> {
    const policy = new WasmPolicy(await WebAssembly.compile(wasm), data, options.limits, options.clock);
    const { loaded } = await policy.#ready();
    const present = loaded.entrypoints as Record<string, number>;
    for (const entryPoint of Object.values(ENTRY_POINTS)) {
      if (!Object.hasOwn(present, entryPoint)) throw new Error(`the policy has no entry point ${entryPoint}`);
    }
    return policy;
  }

  async evaluate(question: Question, input: PolicyInput): Promise<unknown> {
    // OPA's runtime takes a falsy input for none at all and then decides on nothing.
    if (typeof input !== "object" || input === null) throw new EgressError("policy.unavailable", "the policy input is not an object");
    try {
      const instance = await this.#ready();
      const startedAtMs = this.#clock.monotonicMs();
      instance.nowMs = this.#clock.nowMs();
      const answer: unknown = instance.loaded.evaluate(input, ENTRY_POINTS[question]);
      const tookMs = this.#clock.monotonicMs() - startedAtMs;
      if (tookMs > this.#limits.deadlineMs) throw new Error(`the evaluation took ${Math.ceil(tookMs)} ms; the deadline is ${this.#limits.deadlineMs} ms`);
      if (instance.loaded.mem.buffer.byteLength > instance.recycleAboveBytes) this.#instance = null;
      return answer;
    } catch (thrown) {
      this.#instance = null;
      throw new EgressError("policy.unavailable", "the policy could not be evaluated", { cause: asError(thrown) });
    }
  }

  #ready(): Promise<Instance> {
    this.#instance ??= this.#instantiate();
    return this.#instance;
  }

  async #instantiate(): Promise<Instance> {
    const maximum = Math.floor(this.#limits.memoryLimitBytes / PAGE_BYTES);
    const time = { nowMs: 0 };
    try {
      const loaded = await loadPolicy(this.#module, { initial: Math.min(INITIAL_PAGES, maximum), maximum }, { ...builtinsAt(() => time.nowMs) });
      loaded.setData(this.#data);
      const loadedBytes = loaded.mem.buffer.byteLength;
      return Object.assign(time, { loaded, recycleAboveBytes: loadedBytes + (this.#limits.memoryLimitBytes - loadedBytes) / 2 });
    } catch (thrown) {
      throw new Error("the policy and its data could not be loaded", { cause: asError(thrown) });
    }
  }
}

interface Instance {
  readonly loaded: LoadedPolicy;
  /** Linear memory never shrinks: an instance that needed this much once is replaced by a fresh one. */
  readonly recycleAboveBytes: number;
  /** Wall clock of the evaluation under way. */
  nowMs: number;
}

/** OPA's runtime throws strings and bare objects. */
function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  if (typeof thrown === "object" && thrown !== null && "message" in thrown) return new Error(String(thrown.message));
  return new Error(String(thrown));
}
