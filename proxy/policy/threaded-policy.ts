import type { Clock } from "../../common/clock.ts";
import { EgressError } from "../errors.ts";
import { FairQueue, type Queued } from "./fair-queue.ts";
import { KillableThread, type ThreadData, type ThreadQuestion } from "./killable-thread.ts";
import { writeInputs, type InputText } from "./input-text.ts";
import type { PolicyInput, Question } from "./policy-engine.ts";
import { namespaceOf, Suspicion, type QuestionKind } from "./suspicion.ts";
import { TimeUsed } from "./time-used.ts";
import { readAnswers, type Evaluator } from "./wasm-policy.ts";

export interface ThreadedOptions {
  /** Threads that evaluate at the same time, at least two; one more stands by for one that is killed. */
  readonly threads: number;
  readonly clock: Clock;
}

/** A failure for which the thread worked this long, in milliseconds, is one that costs others: it counts as if the thread had to be killed, and the thread goes. */
const COSTLY_MS = 10;

/** A question waits for its turn no longer than so many evaluations may take. */
const WAIT_IN_DEADLINES = 4;
/** What was used longer ago than this counts less than half in taking turns. */
const USE_HALF_LIFE_MS = 1_000;

interface Waiting extends ThreadQuestion, Queued {
  readonly kind: QuestionKind;
  readonly answer: PromiseWithResolvers<string>;
}

/**
 * Asks a compiled policy in threads of its own. Namespaces take turns by the time that they used, and so do agents within them; no agent has more than one
 * thread, and those under suspicion, together with those that never had an answer, have all but one.
 * A question that does not come back costs itself, its thread, and its agent a pause; another thread stands ready, so that nobody waits for a new one.
 */
export class ThreadedPolicy implements Evaluator {
  readonly #data: ThreadData;
  readonly #size: number;
  readonly #clock: Clock;
  readonly #used: TimeUsed;
  readonly #queue: FairQueue<Waiting>;
  #suspicion: Suspicion;
  readonly #idle: KillableThread[] = [];
  /** Agents with a question under way, and whether each may only have what is not kept for others. */
  readonly #running = new Map<string, boolean>();
  readonly #pending = new Set<Promise<unknown>>();
  /** The start of the first threads; null before anybody needs it. */
  #opening: Promise<void> | null = null;
  #isOpen = false;
  #starting = 0;
  #isClosed = false;

  /** Starts no thread before the first question. @param data of a policy that is known to load */
  constructor(data: ThreadData, { threads, clock }: ThreadedOptions) {
    this.#data = data;
    this.#size = threads;
    this.#clock = clock;
    this.#used = new TimeUsed(clock, USE_HALF_LIFE_MS);
    this.#queue = new FairQueue((agent) => [this.#used.of(namespaceOf(agent)), this.#used.of(agent)], namespaceOf);
    this.#suspicion = new Suspicion(clock);
  }

  /** Starts the first threads; the others come with the first question. @throws Error if the policy does not load there */
  static async open(data: ThreadData, options: ThreadedOptions): Promise<ThreadedPolicy> {
    const policy = new ThreadedPolicy(data, options);
    await policy.#open();
    return policy;
  }

  async evaluate(question: Question, input: PolicyInput): Promise<unknown> {
    const [answer] = await this.evaluateAll(question, [input]);
    return answer;
  }

  async evaluateAll(question: Question, inputs: readonly PolicyInput[]): Promise<readonly unknown[]> {
    const [input] = inputs;
    if (input === undefined) return [];
    if (this.#isClosed) throw new EgressError("policy.unavailable", "the policy is no longer in force");
    const agent = `${input.agent.namespace}/${input.agent.name}`;
    if (this.#suspicion.isPaused(agent)) throw new EgressError("policy.unavailable", `the policy of agent ${agent} did not answer in time; it is asked again in a while`);
    // A thread takes longer to start than a question may wait for its turn.
    if (!this.#isOpen) await this.#open();
    const answer = Promise.withResolvers<string>();
    const text = writeInputs(inputs);
    const untilMs = this.#clock.monotonicMs() + WAIT_IN_DEADLINES * this.#data.limits.deadlineMs;
    if (!this.#queue.add(agent, { question, kind: input.read === undefined ? question : "body", input: text, answer, length: lengthOf(text), untilMs })) {
      throw new EgressError("policy.unavailable", `too many or too long questions about agent ${agent} wait for an answer`);
    }
    this.#pending.add(answer.promise);
    this.#dispatch();
    try {
      return readAnswers(await answer.promise, inputs.length);
    } catch (cause) {
      throw new EgressError("policy.unavailable", "the policy could not be evaluated", { cause });
    } finally {
      this.#pending.delete(answer.promise);
    }
  }

  get isWarm(): boolean {
    return this.#isOpen;
  }

  async warm(): Promise<void> {
    await this.#open();
  }

  get suspicion(): Suspicion {
    return this.#suspicion;
  }

  remember(suspicion: Suspicion): void {
    suspicion.endPauses();
    this.#suspicion = suspicion;
  }

  /** Answers what waits, then ends the threads. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#pending);
    this.#isClosed = true;
    for (const thread of this.#idle.splice(0)) thread.kill();
  }

  async #open(): Promise<void> {
    // Two, because whoever is not known to be quick may not have the only one.
    this.#opening ??= this.#startTwo();
    try {
      await this.#opening;
    } catch (cause) {
      this.#opening = null;
      throw new EgressError("policy.unavailable", "no thread for the policy could be started", { cause });
    }
  }

  async #startTwo(): Promise<void> {
    const starts = await Promise.allSettled([KillableThread.start(this.#data), KillableThread.start(this.#data)]);
    const threads = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
    const failed = starts.find((start) => start.status === "rejected");
    if (failed !== undefined || this.#isClosed) for (const thread of threads) thread.kill();
    if (failed !== undefined) throw failed.reason;
    if (this.#isClosed) throw new Error("the policy is no longer in force");
    this.#idle.push(...threads);
    this.#isOpen = true;
  }

  #dispatch(): void {
    this.#fill();
    // Whatever is under way ends by its own deadline and comes here, so that nothing waits much longer than it may.
    for (const { answer } of this.#queue.expire(this.#clock.monotonicMs())) answer.reject(new Error("the questions of others took too long"));
    while (this.#idle.length > 0 && this.#running.size < this.#size) {
      const next = this.#queue.take((agent, { kind }) => this.#mayRun(agent, kind));
      if (next === null) return;
      void this.#run(this.#idle.pop() as KillableThread, next);
    }
  }

  /** So many as may evaluate, and one to stand by. */
  #fill(): void {
    while (!this.#isClosed && this.#running.size + this.#idle.length + this.#starting <= this.#size) {
      this.#starting += 1;
      void this.#start().finally(() => { this.#starting -= 1; });
    }
  }

  async #start(): Promise<void> {
    try {
      const thread = await KillableThread.start(this.#data);
      if (this.#isClosed) return thread.kill();
      this.#idle.push(thread);
    } catch (cause) {
      if (this.#running.size + this.#idle.length > 0) return;
      for (const { answer } of this.#queue.clear()) answer.reject(new Error("no thread for the policy could be started", { cause }));
    }
    this.#dispatch();
  }

  /** One thread is always left to those that are known to be quick. */
  #mayRun(agent: string, kind: QuestionKind): boolean {
    if (this.#running.has(agent)) return false;
    if (!this.#isHeldBack(agent, kind)) return true;
    const heldBack = [...this.#running.values()].filter((isHeldBack) => isHeldBack).length;
    if (heldBack >= this.#size - 1) return false;
    return !this.#suspicion.isSuspect(agent, kind) || this.#idle.length + this.#running.size - heldBack > 1;
  }

  #isHeldBack(agent: string, kind: QuestionKind): boolean {
    return this.#suspicion.isNew(agent, kind) || this.#suspicion.isSuspect(agent, kind);
  }

  async #run(thread: KillableThread, { key: agent, entry }: { readonly key: string; readonly entry: Waiting }): Promise<void> {
    this.#running.set(agent, this.#isHeldBack(agent, entry.kind));
    const startedAtMs = performance.now();
    const isAnswered = await this.#ask(thread, entry);
    if (!isAnswered && (!thread.isAlive || thread.usedMs >= COSTLY_MS)) {
      // What filled its memory would be given back by a collector of garbage that is in no hurry.
      thread.kill();
      this.#pause(agent);
    }
    await thread.loaded();
    const usedMs = thread.isAlive ? thread.usedMs : performance.now() - startedAtMs;
    if (isAnswered) this.#suspicion.answered(agent, entry.kind, usedMs);
    else this.#suspicion.failed(agent, usedMs);
    for (const key of [agent, namespaceOf(agent)]) this.#used.charge(key, usedMs);
    this.#running.delete(agent);
    if (this.#isClosed) return thread.kill();
    if (thread.isAlive) this.#idle.push(thread);
    this.#dispatch();
  }

  async #ask(thread: KillableThread, { question, input, answer }: Waiting): Promise<boolean> {
    try {
      answer.resolve(await thread.ask({ question, input }));
      return true;
    } catch (error) {
      answer.reject(error);
      return false;
    }
  }

  #pause(agent: string): void {
    this.#suspicion.killed(agent);
    for (const { answer } of this.#queue.drop(agent)) answer.reject(new Error("a question about the agent before this one did not come back"));
  }
}

function lengthOf({ inputs, json }: InputText): number {
  return inputs.reduce((sum, { length }) => sum + length, json?.length ?? 0);
}
