import { setTimeout as sleep } from "node:timers/promises";
import { Changes } from "../../common/approvals/changes.ts";
import type { ApprovalDecision, DecisionResult, QuestionOutcome, QuestionView, ThreadApprovalView } from "../../common/approvals/views.ts";
import { APPROVALS_PATHS, LONGEST_POLL_MS, pollReply, REPORT_LIMIT, reportReply, WIRE_LIMIT_BYTES, type ApprovalReport, type PollReply } from "../../common/approvals/wire.ts";
import type { Clock } from "../../common/clock.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import type { ControllerAddress, ControllerClient } from "./controller-client.ts";

const PAUSE_MS = 1_000;
/** Nothing to say: only the end wakes this up. */
const LONG_MS = 600_000;
/** The controller has to be heard this lately for a silence to be nobody's answer, in milliseconds. */
const HEARD_MS = 2 * LONGEST_POLL_MS;

/** What the line does with what people said. */
export interface Answers {
  decide(id: string, decision: ApprovalDecision, by: string): DecisionResult;
  agree(threads: readonly ThreadApprovalView[], whoRevoked: (id: string) => { readonly by: string; readonly reason: string }): void;
}

export interface ApprovalLineContext {
  /** Names this process among those of its node. */
  readonly proxy: string;
  readonly client: Pick<ControllerClient, "ask">;
  /** Null while the boundary names no controller. */
  readonly controller: () => ControllerAddress | null;
  readonly clock: Clock;
  readonly log: Log;
}

/** Brings questions of this node to the controller, where people answer, and their answers back. What was not heard is said again. */
export class ApprovalLine {
  readonly #context: ApprovalLineContext;
  readonly #asked = new Map<string, QuestionView>();
  readonly #over = new Map<string, QuestionOutcome>();
  readonly #kept = new Set<string>();
  readonly #listeners = new Set<() => void>();
  #heardMs = Number.NEGATIVE_INFINITY;

  constructor(context: ApprovalLineContext) {
    this.#context = context;
  }

  /** For the desk. */
  readonly listener = {
    asked: (question: QuestionView): void => { this.#say(question); },
    changed: (question: QuestionView): void => { this.#say(question); },
    ended: ({ id }: QuestionView, { outcome }: { readonly outcome: QuestionOutcome }): void => {
      this.#asked.delete(id);
      this.#kept.delete(id);
      this.#over.set(id, outcome);
      this.#ring();
    },
    revoked: (): void => {},
  };

  /** Whether people could see this question and this proxy would have heard of it. */
  readonly reachesPeople = (id: string): boolean => this.#kept.has(id) && this.#context.clock.monotonicMs() - this.#heardMs < HEARD_MS;

  /** Until the signal aborts. Never throws. */
  async run(answers: Answers, signal: AbortSignal): Promise<void> {
    await Promise.all([this.#runReports(signal), this.#runPolls(answers, signal)]);
  }

  #say(question: QuestionView): void {
    this.#asked.set(question.id, question);
    this.#ring();
  }

  #ring(): void {
    for (const listener of this.#listeners) listener();
  }

  async #runReports(signal: AbortSignal): Promise<void> {
    using changes = new Changes({ onChange: (listener) => {
      this.#listeners.add(listener);
      return () => { this.#listeners.delete(listener); };
    } });
    while (!signal.aborted) {
      const isDone = await this.#reportOnce();
      await changes.next(isDone ? LONG_MS : PAUSE_MS, signal);
    }
  }

  /** @returns false if something is left to say */
  async #reportOnce(): Promise<boolean> {
    const asked = [...this.#asked.values()].slice(0, REPORT_LIMIT);
    const over = [...this.#over].slice(0, REPORT_LIMIT).map(([id, outcome]) => ({ id, outcome }));
    if (asked.length + over.length === 0) return true;
    try {
      const report: ApprovalReport = { proxy: this.#context.proxy, asked, over };
      const { kept } = reportReply.parse(await this.#ask(APPROVALS_PATHS.report, report));
      for (const id of kept) this.#kept.add(id);
      // What came meanwhile is another object, and stays.
      for (const question of asked) if (this.#asked.get(question.id) === question) this.#asked.delete(question.id);
      for (const { id } of over) this.#over.delete(id);
      return this.#asked.size + this.#over.size === 0;
    } catch (error) {
      this.#context.log.warn("approvals.untold", { questions: asked.length, error: describeError(error) });
      return false;
    }
  }

  async #runPolls(answers: Answers, signal: AbortSignal): Promise<void> {
    let version = "";
    while (!signal.aborted) {
      try {
        const news = pollReply.parse(await this.#ask(APPROVALS_PATHS.poll, { proxy: this.#context.proxy, version, waitMs: LONGEST_POLL_MS }, LONGEST_POLL_MS));
        this.#heardMs = this.#context.clock.monotonicMs();
        if (news.version !== version) this.#hear(news, answers);
        version = news.version;
      } catch (error) {
        if (!signal.aborted) this.#context.log.warn("approvals.unheard", { error: describeError(error) });
        await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  #hear({ decisions, threads, revoked }: PollReply, answers: Answers): void {
    answers.agree(threads, (id) => revoked[id] ?? { by: "controller", reason: "" });
    for (const { id, by, decision } of decisions) {
      // A yes for a thread is among the approvals of threads, and has let its question through; if it holds no longer, neither does this.
      const isOfThread = decision.decision === "allow" && decision.scope === "thread";
      const { result } = isOfThread ? { result: "unfit" as const } : answers.decide(id, decision, by);
      // It was heard, whatever could be done with it: the controller need not say it again.
      if (result !== "done") this.#over.set(id, decision.decision === "allow" ? "allowed" : "denied");
    }
    this.#ring();
  }

  /** @throws Error if there is no answer, or no good one */
  async #ask(path: string, body: object, waitMs = 0): Promise<unknown> {
    const to = this.#context.controller();
    if (to === null) throw new Error("no boundary names a controller yet");
    const { status, body: text } = await this.#context.client.ask(to, { path, body: JSON.stringify(body), limitBytes: WIRE_LIMIT_BYTES, waitMs });
    if (status !== 200) throw new Error(`the controller answered ${status} to POST ${path}`);
    return JSON.parse(text) as unknown;
  }
}
