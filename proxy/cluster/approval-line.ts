import { setTimeout as sleep } from "node:timers/promises";
import { Changes } from "../../common/approvals/changes.ts";
import type { AnswerDelivery, ApprovalDecision, DecisionResult, QuestionOutcome, QuestionView, ThreadApprovalView } from "../../common/approvals/views.ts";
import { APPROVALS_PATHS, LONGEST_POLL_MS, pollReply, REPORT_LIMIT, reportReply, WIRE_LIMIT_BYTES, type ApprovalReport, type PollReply, type QuestionOver } from "../../common/approvals/wire.ts";
import type { Clock } from "../../common/clock.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import type { ControllerAddress, ControllerClient } from "./controller-client.ts";

const PAUSE_MS = 1_000;
/** Nothing to say: only the end wakes this up. */
const LONG_MS = 600_000;
/** The controller has to be heard this lately for a silence to be nobody's answer, in milliseconds. */
const HEARD_MS = 2 * LONGEST_POLL_MS;

/** What the controller answers to a report that it will never take as it is. */
const NEVER: ReadonlySet<number> = new Set([400, 413, 422]);
/** Ends of questions that are kept to be told; of older ones the controller learns by their time. */
const OVER_LIMIT = 10_000;

type Decided = PollReply["decisions"][number];

class Refused extends Error {
  override readonly name = "Refused";
}

/** What the line does with what people said. */
export interface Answers {
  /** Nobody can be asked this question. */
  giveUp(id: string): void;
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
  readonly #over = new Map<string, QuestionOver>();
  readonly #kept = new Set<string>();
  /** Questions that were in a report, whether or not it was heard: of all others nobody need be told that they are over. */
  readonly #said = new Set<string>();
  readonly #startedAtMs: number;
  /** Of one report; fewer after one that was refused. */
  #most = REPORT_LIMIT;
  readonly #listeners = new Set<() => void>();
  #heardMs = Number.NEGATIVE_INFINITY;

  constructor(context: ApprovalLineContext) {
    this.#context = context;
    this.#startedAtMs = context.clock.nowMs();
  }

  /** For the desk. */
  readonly listener = {
    asked: (question: QuestionView): void => { this.#say(question); },
    changed: (question: QuestionView): void => { this.#say(question); },
    ended: ({ id }: QuestionView, { outcome }: { readonly outcome: QuestionOutcome }): void => {
      this.#asked.delete(id);
      this.#kept.delete(id);
      if (this.#said.has(id)) this.#end({ id, outcome, delivery: null });
      this.#ring();
    },
    delivered: (id: string, { outcome }: { readonly outcome: QuestionOutcome }, delivery: AnswerDelivery): void => {
      if (this.#said.has(id)) this.#end({ id, outcome, delivery });
      this.#ring();
    },
  };

  /** Whether people could see this question and this proxy would have heard of it. */
  readonly reachesPeople = (id: string): boolean => this.#kept.has(id) && this.#context.clock.monotonicMs() - this.#heardMs < HEARD_MS;

  /** Until the signal aborts. Never throws. */
  async run(answers: Answers, signal: AbortSignal): Promise<void> {
    await Promise.all([this.#runReports(answers, signal), this.#runPolls(answers, signal)]);
  }

  #say(question: QuestionView): void {
    this.#asked.set(question.id, question);
    this.#ring();
  }

  #end(end: QuestionOver): void {
    this.#over.set(end.id, end);
    const [oldest] = this.#over.values();
    if (this.#over.size > OVER_LIMIT && oldest !== undefined) this.#forget(oldest);
  }

  /** Told, or never to be told. What came of a yes may be known later than the yes itself: it is another object, and stays, or is still to come. */
  #forget(end: QuestionOver): void {
    if (this.#over.get(end.id) !== end) return;
    this.#over.delete(end.id);
    if (end.delivery !== null || end.outcome !== "allowed") this.#said.delete(end.id);
  }

  #ring(): void {
    for (const listener of this.#listeners) listener();
  }

  async #runReports(answers: Answers, signal: AbortSignal): Promise<void> {
    using changes = new Changes({ onChange: (listener) => {
      this.#listeners.add(listener);
      return () => { this.#listeners.delete(listener); };
    } });
    while (!signal.aborted) {
      const isDone = await this.#reportOnce(answers);
      await changes.next(isDone ? LONG_MS : PAUSE_MS, signal);
    }
  }

  /** @returns false if something is left to say */
  async #reportOnce(answers: Answers): Promise<boolean> {
    const asked = [...this.#asked.values()].slice(0, this.#most);
    const over = [...this.#over.values()].slice(0, this.#most);
    if (asked.length + over.length === 0) return true;
    try {
      await this.#report(asked, over, answers);
      this.#most = REPORT_LIMIT;
    } catch (error) {
      this.#context.log.warn("approvals.untold", { questions: asked.length, error: describeError(error) });
      if (!(error instanceof Refused)) return false;
      this.#sayLess(asked, over, answers);
    }
    return this.#asked.size + this.#over.size === 0;
  }

  async #report(asked: readonly QuestionView[], over: readonly QuestionOver[], answers: Answers): Promise<void> {
    const { proxy, clock } = this.#context;
    for (const { id } of asked) this.#said.add(id);
    const report: ApprovalReport = { proxy, startedAtMs: this.#startedAtMs, sentAtMs: clock.nowMs(), asked: [...asked], over: [...over] };
    const kept = new Set(reportReply.parse(await this.#ask(APPROVALS_PATHS.report, report)).kept);
    for (const end of over) this.#forget(end);
    for (const question of asked) {
      // What came meanwhile is another object, and stays.
      if (this.#asked.get(question.id) === question) this.#asked.delete(question.id);
      if (kept.has(question.id) && !this.#over.has(question.id)) this.#kept.add(question.id);
      else if (!kept.has(question.id)) answers.giveUp(question.id);
    }
  }

  /** A report that is refused is halved, until the one thing in it that is unfit is known: that alone is dropped. */
  #sayLess(asked: readonly QuestionView[], over: readonly QuestionOver[], answers: Answers): void {
    const most = Math.max(asked.length, over.length);
    this.#most = Math.max(1, Math.floor(most / 2));
    if (most > 1) return;
    for (const end of over) this.#forget(end);
    for (const { id } of asked) {
      this.#asked.delete(id);
      answers.giveUp(id);
    }
  }

  async #runPolls(answers: Answers, signal: AbortSignal): Promise<void> {
    let version = "";
    while (!signal.aborted) {
      try {
        const news = pollReply.parse(await this.#ask(APPROVALS_PATHS.poll, { proxy: this.#context.proxy, startedAtMs: this.#startedAtMs, version, waitMs: LONGEST_POLL_MS }, LONGEST_POLL_MS));
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
    const isForThread = ({ decision }: Decided) => decision.decision === "allow" && decision.scope === "thread";
    // First, so that an approval that cannot be kept here holds up no answer to a single request.
    for (const decided of decisions) if (!isForThread(decided)) this.#put(decided, answers);
    answers.agree(threads, (id) => revoked[id] ?? { by: "controller", reason: "" });
    for (const decided of decisions) if (isForThread(decided)) this.#hearForThread(decided);
    this.#ring();
  }

  /** An answer that came too late is told with what became of the question instead: the controller need not say it again, and does not say that it counted. */
  #put({ id, by, decision }: Decided, answers: Answers): void {
    const { result, outcome } = answers.decide(id, decision, by);
    if (result === "done" || this.#over.get(id)?.outcome === outcome) return;
    this.#end({ id, outcome: outcome ?? "withdrawn", delivery: null });
    // Its client left while the answer was on its way, and no such answer is offered any more.
    if (result === "unfit") answers.giveUp(id);
  }

  /** A yes for a thread is among the approvals of threads, and has let its question through if that was still open. */
  #hearForThread({ id }: Decided): void {
    const end = this.#over.get(id);
    if (end?.outcome !== "allowed") this.#end({ id, outcome: "allowed", delivery: end === undefined ? null : "too-late" });
  }

  /** @throws Error if there is no answer, or no good one: Refused if there never will be to this */
  async #ask(path: string, body: object, waitMs = 0): Promise<unknown> {
    const to = this.#context.controller();
    if (to === null) throw new Error("no boundary names a controller yet");
    const { status, body: text } = await this.#context.client.ask(to, { path, body: JSON.stringify(body), limitBytes: WIRE_LIMIT_BYTES, waitMs });
    if (NEVER.has(status)) throw new Refused(`the controller refused POST ${path} with ${status}`);
    if (status !== 200) throw new Error(`the controller answered ${status} to POST ${path}`);
    return JSON.parse(text) as unknown;
  }
}
