import { Worker, type ResourceLimits } from "node:worker_threads";
import type { InputText } from "./input-text.ts";
import type { Question } from "./policy-engine.ts";
import type { PolicyProgram, WasmLimits } from "./wasm-policy.ts";

/** What the thread is started with. */
export interface ThreadData {
  readonly program: PolicyProgram;
  readonly limits: WasmLimits;
}

/** Text both ways: copying it is cheaper than copying objects, and the policy reads and writes JSON anyhow. */
export interface ThreadQuestion {
  readonly question: Question;
  readonly input: InputText;
}

export type ThreadAnswer = ({ readonly answer: string } | { readonly failure: string }) & {
  /** If not, another answer follows once it can be asked again. */
  readonly isLoaded: boolean;
  /** What the thread worked for it, in milliseconds of processor time. */
  readonly usedMs: number;
};

/** The thread is gone and took the question with it: it ran out of time or of memory. */
export class ThreadLost extends Error {
  override readonly name = "ThreadLost";
}

/** The thread's own check of the deadline comes first; this is for an evaluation that does not come back. */
const GRACE_MS = 25;
const START_DEADLINE_MS = 20_000;
/**
 * Of the JavaScript beside the linear memory: what builtins and answers take is a few megabytes each (common/rego/rego-instance.ts), and the rest is the program. The
 * stack is what a nested answer may take.
 */
const HEAP: ResourceLimits = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 16, codeRangeSizeMb: 16, stackSizeMb: 4 };

/** From source as it is, and bundled beside the program (scripts/build.mjs). */
const PROGRAM = new URL(import.meta.url.endsWith(".ts") ? "./policy-thread.ts" : "./policy-thread.mjs", import.meta.url);

/** A thread that evaluates one policy, one question at a time, and can be killed over any of them. */
export class KillableThread {
  readonly #worker: Worker;
  readonly #deadlineMs: number;
  #asked: PromiseWithResolvers<string> | null = null;
  #loaded: Promise<unknown> = Promise.resolve();
  #isAlive = true;
  #usedMs = 0;

  private constructor(data: ThreadData) {
    this.#deadlineMs = data.limits.deadlineMs + GRACE_MS;
    this.#worker = new Worker(PROGRAM, { workerData: data, stdin: false, resourceLimits: HEAP });
    this.#worker.on("message", (answer: ThreadAnswer) => { this.#answered(answer); });
    this.#worker.on("error", (cause) => { this.#lost("the thread of the policy failed", cause); });
    this.#worker.on("exit", () => { this.#lost("the thread of the policy ended"); });
    // It must not keep a process alive that has nothing else to do.
    this.#worker.unref();
  }

  /** @throws Error if the policy does not load there */
  static async start(data: ThreadData): Promise<KillableThread> {
    const thread = new KillableThread(data);
    await thread.#answerWithin(START_DEADLINE_MS);
    return thread;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** What it worked for what it was asked last, loading its data again included, in milliseconds of processor time. Of a lost thread nobody knows. */
  get usedMs(): number {
    return this.#usedMs;
  }

  /** @returns the result sets as a list in JSON @throws ThreadLost if it does not come back in time; any other error is the policy's */
  ask(question: ThreadQuestion): Promise<string> {
    this.#usedMs = 0;
    const answer = this.#answerWithin(this.#deadlineMs);
    this.#worker.postMessage(question);
    return answer;
  }

  /** Resolves once the thread may be asked again: at once, unless what it was asked cost it its data; or once it is lost. */
  async loaded(): Promise<void> {
    await this.#loaded.catch(() => {});
  }

  kill(): void {
    this.#lost("the thread of the policy was ended");
    void this.#worker.terminate();
  }

  async #answerWithin(deadlineMs: number): Promise<string> {
    if (!this.#isAlive) throw new ThreadLost("the thread of the policy has ended");
    this.#asked = Promise.withResolvers<string>();
    // An answer that came while this thread was busy is read first.
    const timer = setTimeout(() => { setImmediate(() => { if (this.#asked !== null) this.#overrun(deadlineMs); }); }, deadlineMs);
    try {
      return await this.#asked.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #answered(answer: ThreadAnswer): void {
    const asked = this.#asked;
    this.#asked = null;
    this.#usedMs += answer.usedMs;
    if (!answer.isLoaded) this.#loaded = this.#answerWithin(START_DEADLINE_MS);
    if ("answer" in answer) asked?.resolve(answer.answer);
    else asked?.reject(new Error(answer.failure));
  }

  #overrun(deadlineMs: number): void {
    this.#lost(`no answer within ${deadlineMs} ms`);
    void this.#worker.terminate();
  }

  #lost(message: string, cause?: unknown): void {
    this.#isAlive = false;
    this.#asked?.reject(new ThreadLost(message, { cause }));
    this.#asked = null;
  }
}
