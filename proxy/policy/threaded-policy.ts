import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Clock } from "../../common/clock.ts";
import { EgressError } from "../errors.ts";
import { FairQueue } from "./fair-queue.ts";
import type { PolicyInput, Question } from "./policy-engine.ts";
import type { Evaluator, WasmLimits } from "./wasm-policy.ts";

/** What the thread is started with. */
export interface ThreadData {
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly data: object;
  readonly limits: WasmLimits;
}

export interface ThreadQuestion {
  readonly question: Question;
  readonly input: PolicyInput;
}

export type ThreadAnswer =
  | { readonly kind: "ready" }
  | { readonly kind: "answered"; readonly answer: unknown }
  | { readonly kind: "failed"; readonly message: string };

/** The thread's own check of the deadline comes first; this is for an evaluation that does not come back. */
const GRACE_MS = 50;
const START_DEADLINE_MS = 20_000;
/** A namespace whose policy had to be killed waits this long before it is evaluated again; doubled each time, up to the last. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** From source as it is, and bundled beside the program (scripts/build.mjs). */
const PROGRAM = new URL(import.meta.url.endsWith(".ts") ? "./policy-thread.ts" : "./policy-thread.mjs", import.meta.url);

interface Waiting extends ThreadQuestion {
  resolve(answer: unknown): void;
  reject(error: EgressError): void;
}

/**
 * Asks a compiled policy in a thread of its own, one question at a time, the namespaces in turn. One that does not answer in time costs its own request
 * and the thread, which is made anew; and its namespace is refused for a while, because others wait for that.
 */
export class ThreadedPolicy implements Evaluator {
  readonly #data: ThreadData;
  readonly #clock: Clock;
  readonly #queue = new FairQueue<Waiting>();
  readonly #paused = new Map<string, { readonly untilMs: number; readonly kills: number }>();
  #thread: Worker | null;
  #working: Promise<void> | null = null;

  private constructor(data: ThreadData, clock: Clock, thread: Worker) {
    this.#data = data;
    this.#clock = clock;
    this.#thread = thread;
  }

  /** @throws Error if the policy does not load there */
  static async open(data: ThreadData, clock: Clock): Promise<ThreadedPolicy> {
    return new ThreadedPolicy(data, clock, await startThread(data));
  }

  async evaluate(question: Question, input: PolicyInput): Promise<unknown> {
    const { namespace } = input.agent;
    const paused = this.#paused.get(namespace);
    if (paused !== undefined && this.#clock.monotonicMs() < paused.untilMs) {
      throw new EgressError("policy.unavailable", `a policy of namespace ${namespace} did not answer in time; it is asked again in a while`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (!this.#queue.add(namespace, { question, input, resolve, reject })) {
      throw new EgressError("policy.unavailable", `too many questions to policies of namespace ${namespace} wait for an answer`);
    }
    this.#working ??= this.#work().finally(() => { this.#working = null; });
    return promise;
  }

  /** Answers what waits, then ends the thread. */
  async close(): Promise<void> {
    await this.#working;
    await this.#thread?.terminate();
    this.#thread = null;
  }

  async #work(): Promise<void> {
    for (let next = this.#queue.take(); next !== null; next = this.#queue.take()) {
      try {
        this.#thread ??= await startThread(this.#data);
        next.entry.resolve(await this.#ask(this.#thread, next.key, next.entry));
      } catch (cause) {
        next.entry.reject(new EgressError("policy.unavailable", "the policy could not be evaluated", { cause }));
      }
    }
  }

  async #ask(thread: Worker, namespace: string, { question, input }: ThreadQuestion): Promise<unknown> {
    const late = AbortSignal.timeout(this.#data.limits.deadlineMs + GRACE_MS);
    try {
      thread.postMessage({ question, input } satisfies ThreadQuestion);
      const answer = await nextAnswer(thread, late);
      this.#paused.delete(namespace);
      if (answer.kind !== "answered") throw new Error(answer.kind === "failed" ? answer.message : "the thread began anew");
      return answer.answer;
    } catch (error) {
      if (late.aborted) this.#pause(namespace);
      if (late.aborted || thread.threadId === -1) this.#drop(thread);
      throw error;
    }
  }

  #pause(namespace: string): void {
    const kills = (this.#paused.get(namespace)?.kills ?? 0) + 1;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (kills - 1), LONGEST_PAUSE_MS);
    this.#paused.set(namespace, { untilMs: this.#clock.monotonicMs() + pauseMs, kills });
    for (const { reject } of this.#queue.drop(namespace)) reject(new EgressError("policy.unavailable", "a policy of the namespace did not answer in time"));
  }

  #drop(thread: Worker): void {
    this.#thread = null;
    void thread.terminate();
  }
}

async function startThread(data: ThreadData): Promise<Worker> {
  const thread = new Worker(PROGRAM, { workerData: data, stdin: false });
  // It must not keep a process alive that has nothing else to do.
  thread.unref();
  try {
    await nextAnswer(thread, AbortSignal.timeout(START_DEADLINE_MS));
    // An error between two questions shows at the next one; unheard it would end the process.
    thread.on("error", () => {});
    return thread;
  } catch (error) {
    void thread.terminate();
    throw error;
  }
}

/** @throws whatever ended the thread, or an AbortError if the signal comes first */
async function nextAnswer(thread: Worker, signal: AbortSignal): Promise<ThreadAnswer> {
  const turn = new AbortController();
  const until = { signal: AbortSignal.any([signal, turn.signal]) };
  const exited = once(thread, "exit", until).then(() => { throw new Error("the thread of the policy ended"); });
  try {
    const [answer] = await Promise.race([once(thread, "message", until), exited]) as [ThreadAnswer];
    return answer;
  } finally {
    turn.abort();
    await exited.catch(() => undefined);
  }
}
