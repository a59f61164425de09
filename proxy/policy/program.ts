import type { Clock } from "../../common/clock.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { describeError } from "../../common/lifecycle.ts";
import { EgressError } from "../errors.ts";
import { readDecision } from "./answer.ts";
import type { Bundle } from "./bundle.ts";
import { DecisionMemory } from "./decision-memory.ts";
import { openEvaluator } from "./open-evaluator.ts";
import type { Answers, PolicyInput, Question } from "./policy-engine.ts";
import { isShippedLibrary } from "./shipped-files.ts";
import type { Evaluator, WasmLimits } from "./wasm-policy.ts";

export interface ProgramOptions {
  /** Where the bundle is from, for messages. */
  readonly source: string;
  readonly limits: WasmLimits;
  readonly clock: Clock;
  /** Where it is evaluated, if not as `openEvaluator` says: a shadow has a thread of its own. */
  readonly openEvaluator?: typeof openEvaluator;
}

/** One bundle, ready to be asked: the one in force, or another beside it. Never changes; a new policy is a new program. */
export class Program {
  readonly revision: string;
  readonly #evaluator: Evaluator;
  /** Null for a policy that may read more than the shipped library does. */
  readonly #memory: DecisionMemory | null;
  /** Questions that wait for their answer. */
  #open = 0;
  readonly #answered = Promise.withResolvers<void>();
  #closing: Promise<void> | null = null;

  private constructor(revision: string, evaluator: Evaluator, memory: DecisionMemory | null) {
    this.revision = revision;
    this.#evaluator = evaluator;
    this.#memory = memory;
  }

  /** @throws UserError if the bundle cannot be run within the limits */
  static async open(bundle: Bundle, { source, limits, clock, openEvaluator: open = openEvaluator }: ProgramOptions): Promise<Program> {
    try {
      const evaluator = await open(bundle, limits, clock);
      return new Program(bundle.revision, evaluator, await isShippedLibrary(bundle.wasm) ? new DecisionMemory() : null);
    } catch (cause) {
      throw new UserError(`cannot use the policy of ${source}: ${describeError(cause)}`, "Build it again, or raise policy.memoryLimitBytes if the data is large.", EXIT.config, { cause });
    }
  }

  /**
   * Makes it as ready for questions as the program that it follows: what that one's threads answer must not wait for new ones, nor agents that they know to be
   * quick for those that they do not know. Never throws.
   */
  async follow(before: Program): Promise<void> {
    const { suspicion } = before.#evaluator;
    if (suspicion !== undefined) this.#evaluator.remember?.(suspicion);
    // Threads that do not start now are tried again by the first question.
    if (before.#evaluator.isWarm === true) await this.#evaluator.warm?.().catch(() => {});
  }

  /** Answers, also after `close` was called if the question came before. @throws EgressError `policy.unavailable` */
  async decide<Q extends Question>(question: Q, input: PolicyInput): Promise<Answers[Q]> {
    const key = this.#memory?.keyOf(question, input) ?? null;
    const known = key === null ? undefined : this.#memory?.recall<Q>(key);
    if (known !== undefined) return known;
    const decision = this.#read(question, await this.#ask((evaluator) => evaluator.evaluate(question, input)), input);
    if (key !== null) this.#memory?.keep(key, decision);
    return decision;
  }

  /** Answers about each part of one request. @throws EgressError `policy.unavailable` for all, if there is no answer to one */
  async decideAll<Q extends Question>(question: Q, parts: readonly PolicyInput[]): Promise<readonly Answers[Q][]> {
    const answers = await this.#ask((evaluator) => evaluator.evaluateAll(question, parts));
    return parts.map((part, at) => this.#read(question, answers[at], part));
  }

  #read<Q extends Question>(question: Q, answer: unknown, { read }: PolicyInput): Answers[Q] {
    const decision = readDecision(question, answer, this.revision);
    if (decision.kind === "read" && read !== undefined) throw new EgressError("policy.unavailable", "the policy asks again for a body that was read");
    return decision;
  }

  /** Gives back what it holds, after the last open question is answered. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#open > 0) await this.#answered.promise;
    await this.#evaluator.close?.();
  }

  async #ask<T>(ask: (evaluator: Evaluator) => Promise<T>): Promise<T> {
    this.#open += 1;
    try {
      return await ask(this.#evaluator);
    } finally {
      this.#open -= 1;
      if (this.#open === 0 && this.#closing !== null) this.#answered.resolve();
    }
  }
}
