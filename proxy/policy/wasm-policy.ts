import type { Clock } from "../../common/clock.ts";
import { EgressError } from "../errors.ts";
import { RegoInstance, type HostCalls } from "../../common/rego/rego-instance.ts";
import { builtinsAt } from "./builtins.ts";
import { compileCorrected } from "./corrected-module.ts";
import { ENTRY_POINTS } from "./entry-points.ts";
import { hostCalls } from "./host-calls.ts";
import { writeInputs, type InputText } from "./input-text.ts";
import type { PolicyInput, Question } from "./policy-engine.ts";
import type { CompiledModule } from "../../common/rego/web-assembly.ts";
import type { Suspicion } from "./suspicion.ts";

export interface WasmLimits {
  /** Longest time of one evaluation, or of all that are asked for together, in milliseconds. */
  readonly deadlineMs: number;
  /** Ceiling of the linear memory, in bytes; rounded down to pages of 64 KiB. */
  readonly memoryLimitBytes: number;
}

/**
 * Asks a compiled policy, in this thread (below) or in others (`threaded-policy.ts`).
 * Rejects with EgressError `policy.unavailable`, `request.malformed` (input-text.ts); resolves to a result set of any shape (`answer.ts` reads it).
 */
export interface Evaluator {
  evaluate(question: Question, input: PolicyInput): Promise<unknown>;
  /** Asks about the parts of one request, at least one, within one deadline. @returns a result set for each, in order */
  evaluateAll(question: Question, inputs: readonly PolicyInput[]): Promise<readonly unknown[]>;
  /** Threads that are started when they are first needed: whether they are, and what starts them before. Absent if there are none. */
  readonly isWarm?: boolean;
  /** @throws EgressError `policy.unavailable` if they do not start */
  warm?(): Promise<void>;
  /** What its threads taught it of agents, and what takes up what another's did. Absent if there are none. */
  readonly suspicion?: Suspicion;
  remember?(suspicion: Suspicion): void;
  /** Answers what was asked, then gives back what it holds; absent if that is nothing. */
  close?(): Promise<void>;
}

/** A policy that is compiled to machine code once and then shared by all threads that evaluate it. */
export interface PolicyProgram {
  readonly module: CompiledModule;
  /** The policy data as JSON. */
  readonly data: string;
}

/** @throws Error if it is no WebAssembly */
export async function compileProgram({ wasm, data }: { readonly wasm: Uint8Array<ArrayBuffer>; readonly data: object }): Promise<PolicyProgram> {
  return { module: await compileCorrected(wasm), data: JSON.stringify(data) };
}

/**
 * One policy in WebAssembly with its data. The instance is used again and again and thrown away after anything unexpected: a trap, an
 * abort of OPA's runtime, a memory that has grown; what it left behind is never trusted. An evaluation cannot be interrupted from
 * this thread: the deadline makes a late answer a failure, it does not shorten the wait.
 */
export class WasmPolicy implements Evaluator {
  readonly #program: PolicyProgram;
  readonly #limits: WasmLimits;
  readonly #clock: Clock;
  readonly #hostCalls: HostCalls;
  #instance: RegoInstance | null = null;
  /** Linear memory never shrinks: an instance that needed this much once is replaced by a fresh one. */
  #recycleAboveBytes = 0;
  /** Wall clock of the evaluation under way. */
  #nowMs = 0;

  /** Loads the data and checks that every question has its entry point. @throws Error if it is not a policy of ours, or does not fit */
  constructor(program: PolicyProgram, { limits, clock }: { readonly limits: WasmLimits; readonly clock: Clock }) {
    this.#program = program;
    this.#limits = limits;
    this.#clock = clock;
    this.#hostCalls = hostCalls(builtinsAt(() => this.#nowMs));
    const { entryPoints } = this.#ready();
    for (const entryPoint of Object.values(ENTRY_POINTS)) {
      if (!entryPoints.includes(entryPoint)) throw new Error(`the policy has no entry point ${entryPoint}`);
    }
  }

  /** Compiles it too. @throws Error as the constructor does, or if it is no WebAssembly */
  static async open(wasm: Uint8Array<ArrayBuffer>, data: object, options: { limits: WasmLimits; clock: Clock }): Promise<WasmPolicy> {
    return new WasmPolicy(await compileProgram({ wasm, data }), options);
  }

  async evaluate(question: Question, input: PolicyInput): Promise<unknown> {
    const [answer] = await this.evaluateAll(question, [input]);
    return answer;
  }

  async evaluateAll(question: Question, inputs: readonly PolicyInput[]): Promise<readonly unknown[]> {
    // OPA's runtime takes a falsy input for none at all and then decides on nothing.
    if (!inputs.every((input) => typeof input === "object" && (input as unknown) !== null)) throw new EgressError("policy.unavailable", "the policy input is not an object");
    const text = writeInputs(inputs);
    try {
      return readAnswers(this.answer(question, text), inputs.length);
    } catch (cause) {
      throw new EgressError("policy.unavailable", "the policy could not be evaluated", { cause });
    }
  }

  /** False after an answer that cost the instance: the next question waits for the data to be loaded, unless somebody calls `load` before. */
  get isLoaded(): boolean {
    return this.#instance !== null;
  }

  /** @throws Error if policy and data do not load */
  load(): void {
    this.#ready();
  }

  /** @returns the result sets as a list in JSON, for `readAnswers` @throws Error that says why there is none */
  answer(question: Question, input: InputText): string {
    try {
      const instance = this.#ready();
      const startedAtMs = this.#clock.monotonicMs();
      this.#nowMs = this.#clock.nowMs();
      const answers = evaluateAll(instance, ENTRY_POINTS[question], input);
      const tookMs = this.#clock.monotonicMs() - startedAtMs;
      if (tookMs > this.#limits.deadlineMs) throw new Error(`the evaluation took ${Math.ceil(tookMs)} ms; the deadline is ${this.#limits.deadlineMs} ms`);
      if (instance.memoryBytes > this.#recycleAboveBytes) this.#instance = null;
      return `[${answers.join(",")}]`;
    } catch (error) {
      this.#instance = null;
      throw error;
    }
  }

  #ready(): RegoInstance {
    if (this.#instance !== null) return this.#instance;
    const { memoryLimitBytes } = this.#limits;
    try {
      const instance = new RegoInstance({ ...this.#program, memoryLimitBytes, hostCalls: this.#hostCalls });
      this.#recycleAboveBytes = instance.memoryBytes + (memoryLimitBytes - instance.memoryBytes) / 2;
      this.#instance = instance;
      return instance;
    } catch (cause) {
      throw new Error("the policy and its data could not be loaded", { cause });
    }
  }
}

function evaluateAll(instance: RegoInstance, entryPoint: string, { inputs, json }: InputText): readonly string[] {
  if (json === null) return inputs.map((input) => instance.evaluate(entryPoint, input));
  return instance.evaluateSharing(entryPoint, inputs, { name: "json", json });
}

/** @throws Error if these are not so many result sets: what a policy writes need not be one */
export function readAnswers(text: string, count: number): readonly unknown[] {
  const answers = JSON.parse(text) as unknown[];
  if (answers.length !== count) throw new Error(`the policy gives ${answers.length} answers to ${count} questions`);
  return answers;
}
