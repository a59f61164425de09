import { setTimeout as pause } from "node:timers/promises";
import type { AnswerPlan } from "./answer-plan.ts";
import type { Generated } from "./bill.ts";
import type { OpenCall } from "./tally.ts";
import { wordsOf } from "./tokens.ts";

/** A piece of an answer, counted before it is given. */
export interface Piece {
  readonly kind: "thought" | "text";
  readonly choice: number;
  readonly text: string;
}

/** The connection is to be cut here, or the stream to say that it failed. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  readonly kind: "drop" | "error-event";

  constructor(kind: "drop" | "error-event") {
    super(kind);
    this.kind = kind;
  }
}

/** Most output tokens of one choice if a request says nothing. */
const MODEL_LIMIT = 128_000;

/** The model at work on one request: it says what the plan says, as far as the request's limit lets it. */
export class Generation {
  readonly call: OpenCall;
  readonly plan: AnswerPlan;
  readonly #choices: number;
  /** Of one choice. */
  readonly #thought: number;
  readonly #spoken: number;

  /**
   * Reads the input, which costs.
   * @param limit of output tokens of each choice
   */
  constructor(call: OpenCall, plan: AnswerPlan, asked: { readonly input: number; readonly limit: number | null; readonly choices?: number }) {
    this.call = call;
    this.plan = plan;
    this.#choices = asked.choices ?? 1;
    const limit = asked.limit ?? MODEL_LIMIT;
    this.#thought = Math.min(plan.reasoning, limit);
    this.#spoken = Math.min(plan.output, limit - this.#thought);
    const cacheRead = Math.min(plan.cached, asked.input);
    call.add({ input: asked.input, cacheRead, cacheWrite: Math.min(plan.cacheWrite, asked.input - cacheRead) });
  }

  get isLimited(): boolean {
    return this.#thought + this.#spoken < this.plan.reasoning + this.plan.output;
  }

  get generated(): Generated {
    return this.call.generated;
  }

  get choices(): number {
    return this.#choices;
  }

  /** All at once, for an answer that is no stream: it costs whole, whoever waits for it. @returns the text of each choice */
  async whole(): Promise<readonly string[]> {
    this.call.add({ output: this.#choices * (this.#thought + this.#spoken), reasoning: this.#choices * this.#thought });
    await pause(this.plan.firstAfterMs + this.plan.chunkEveryMs * Math.floor(this.#spoken / this.plan.chunkTokens));
    this.call.end(this.isLimited ? "length" : "stop");
    return Array.from({ length: this.#choices }, () => wordsOf(this.#spoken));
  }

  /** Piece by piece. @param isHeard false as soon as nobody listens any more: then the model stops @throws Interruption where the plan says so */
  async *pieces(isHeard: () => boolean): AsyncGenerator<Piece> {
    await pause(this.plan.firstAfterMs);
    for (const [kind, count] of [["thought", this.#thought], ["text", this.#spoken]] as const) {
      for (let done = 0; done < count; done += this.plan.chunkTokens) {
        const size = Math.min(this.plan.chunkTokens, count - done);
        for (let choice = 0; choice < this.#choices; choice += 1) {
          if (!isHeard()) return this.call.end("left");
          this.#interrupt();
          this.call.add({ output: size, reasoning: kind === "thought" ? size : 0 });
          yield { kind, choice, text: wordsOf(size, done) };
        }
        if (this.plan.chunkEveryMs > 0) await pause(this.plan.chunkEveryMs);
      }
    }
    this.#interrupt();
    this.call.end(this.isLimited ? "length" : "stop");
  }

  #interrupt(): void {
    const { fault } = this.plan;
    if (fault === null || (fault.kind !== "drop" && fault.kind !== "error-event") || this.generated.output < fault.afterTokens) return;
    this.call.end("dropped");
    throw new Interruption(fault.kind);
  }
}
