import { newApprovalId } from "../../common/approvals/approval-id.ts";
import { LIST_LIMIT, type ApprovalDecision, type ApprovalList, type DecisionResult, type QuestionView, type ThreadApprovalView } from "../../common/approvals/views.ts";
import type { Clock } from "../../common/clock.ts";
import { EgressError } from "../errors.ts";
import type { Ask } from "../model/decision.ts";
import type { RecordedApproval } from "../model/record.ts";
import type { Approvals, ApprovalSubject } from "./approvals.ts";
import type { ApprovalsConfig } from "./config.ts";
import { KeptAnswers } from "./kept-answers.ts";
import { OpenQuestions } from "./open-questions.ts";
import { offered, viewOf, type Ending, type Question } from "./question.ts";
import type { ThreadApprovals } from "./thread-approvals.ts";

/** Hears what happens at the desk: for the audit, for messages to people, for the controller. Must not throw. */
export interface DeskListener {
  asked(question: QuestionView): void;
  ended(question: QuestionView, ending: Ending): void;
  /** The client of an open question has left, or come back. */
  changed?(question: QuestionView): void;
  /** A request was let through, or refused, by what was answered before it came. */
  reused?(subject: ApprovalSubject, answer: RecordedApproval): void;
  revoked(approval: ThreadApprovalView, by: string, reason: string): void;
}

export interface DeskContext {
  readonly config: ApprovalsConfig;
  readonly clock: Clock;
  readonly threads: ThreadApprovals;
  readonly listeners: readonly DeskListener[];
  /** Whether anybody could have answered this question: false where the way to people is broken. */
  readonly reachesPeople: (id: string) => boolean;
}

/** Keeps what waits for people. What ends a question tells whoever waits for it, and everybody who listens, in the same turn: one answer is the first. */
export class ApprovalDesk implements Approvals {
  readonly #context: DeskContext;
  readonly #open: OpenQuestions;
  readonly #kept: KeptAnswers;
  /** How questions ended, for whoever answers too late. */
  readonly #ended = new Map<string, Ending>();
  #closed: EgressError | null = null;

  constructor(context: DeskContext) {
    this.#context = context;
    const { clock, config } = context;
    this.#open = new OpenQuestions(clock, config, {
      late: (question) => { this.#expire(question); },
      dropped: (question) => { this.#withdraw(question, "the client has gone, and others need its room"); },
    });
    this.#kept = new KeptAnswers(clock, config.retryMs, LIST_LIMIT);
  }

  async ask(subject: ApprovalSubject, ask: Ask, signal: AbortSignal): Promise<RecordedApproval> {
    signal.throwIfAborted();
    if (this.#closed !== null) throw this.#closed;
    const before = this.#answeredBefore(subject, ask);
    if (before !== null) {
      this.#tell((listener) => { listener.reused?.(subject, before); });
      return before;
    }
    const orphan = this.#open.orphanOf(subject);
    const question = orphan ?? this.#open.add(newApprovalId(), subject, ask);
    const answer = this.#waitAt(question, signal);
    this.#tell((listener) => { listener[orphan === null ? "asked" : "changed"]?.(viewOf(question)); });
    return answer;
  }

  covers({ agent }: Pick<ApprovalSubject, "agent">, rule: string): boolean {
    return this.#context.threads.find(agent, rule) !== null;
  }

  list(): ApprovalList {
    return { questions: this.#open.all().slice(0, LIST_LIMIT).map(viewOf), threads: this.#context.threads.list().slice(0, LIST_LIMIT) };
  }

  /** @param by who, as the door that they came by vouches @throws Error if a yes for the thread cannot be kept */
  decide(id: string, decision: ApprovalDecision, by: string): DecisionResult {
    const question = this.#open.get(id);
    if (question === null) return this.#late(id);
    const scope = decision.decision === "allow" ? decision.scope : null;
    if (scope !== null && !offered(question).includes(scope)) return { result: "unfit", outcome: null, by: null };
    const { reason } = decision;
    if (scope === "thread") this.#allowThread(threadApproval(question, { by, reason }, this.#context));
    else this.#end(question, { outcome: scope === null ? "denied" : "allowed", by, reason, scope, approvalId: id });
    return { result: "done", outcome: scope === null ? "denied" : "allowed", by };
  }

  /** Takes a yes for a thread back. @returns whether it was there */
  revoke(id: string, by: string, reason: string): boolean {
    const { threads } = this.#context;
    const approval = threads.get(id);
    if (approval === null) return false;
    threads.remove(id);
    this.#tell((listener) => { listener.revoked(approval, by, reason); });
    return true;
  }

  /** Thread approvals that somebody else keeps: those that are new begin to hold, those that are missing are revoked. */
  agree(approvals: readonly ThreadApprovalView[], whoRevoked: (id: string) => { readonly by: string; readonly reason: string }): void {
    const wanted = new Set(approvals.map(({ id }) => id));
    for (const { id } of this.#context.threads.list()) {
      const { by, reason } = whoRevoked(id);
      if (!wanted.has(id)) this.revoke(id, by, reason);
    }
    for (const approval of approvals) if (this.#context.threads.get(approval.id) === null) this.#allowThread(approval);
  }

  /** Nobody can be asked this: whoever waits for it is told so. */
  giveUp(id: string): void {
    const question = this.#open.get(id);
    if (question === null) return;
    question.waiter?.reject(new EgressError("approval.unavailable", "the question cannot be brought to anybody"));
    question.waiter = null;
    this.#withdraw(question, "nobody can be asked");
  }

  /** Nothing is asked any more, and whoever waits is told so. */
  close(reason: EgressError): void {
    this.#closed ??= reason;
    for (const question of this.#open.all()) {
      question.waiter?.reject(reason);
      question.waiter = null;
      this.#withdraw(question, "the proxy stops");
    }
    this.#open.close();
  }

  #answeredBefore(subject: ApprovalSubject, { rule, scopes }: Ask): RecordedApproval | null {
    const standing = scopes.includes("thread") ? this.#context.threads.find(subject.agent, rule) : null;
    if (standing !== null) return { id: standing.id, outcome: "allowed", by: standing.by, reason: standing.reason, scope: "thread", waitedMs: 0 };
    const kept = subject.isWhole ? this.#kept.take(subject.fingerprint) : null;
    return kept === null ? null : answerOf(kept, 0);
  }

  async #waitAt(question: Question, signal: AbortSignal): Promise<RecordedApproval> {
    const { promise, resolve, reject } = Promise.withResolvers<RecordedApproval>();
    const waiter = { sinceMs: this.#context.clock.monotonicMs(), resolve, reject };
    question.waiter = waiter;
    const leave = () => {
      if (question.waiter === waiter) this.#left(question);
      reject(EgressError.from(signal.reason));
    };
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  /** The question stays for the next try, unless no answer could be of use to anybody. */
  #left(question: Question): void {
    question.waiter = null;
    if (offered(question).length > 0) return this.#tell((listener) => { listener.changed?.(viewOf(question)); });
    this.#withdraw(question, "the client has gone");
  }

  #withdraw(question: Question, reason: string): void {
    this.#end(question, { outcome: "withdrawn", by: null, reason, scope: null, approvalId: question.id });
  }

  #allowThread(approval: ThreadApprovalView): void {
    this.#context.threads.add(approval);
    const { id: approvalId, by, reason } = approval;
    for (const question of this.#open.all()) {
      const { ask, subject: { agent } } = question;
      const isMeant = ask.rule === approval.rule && agent.thread === approval.thread && agent.name === approval.agent && agent.namespace === approval.namespace;
      if (isMeant && ask.scopes.includes("thread")) this.#end(question, { outcome: "allowed", by, reason, scope: "thread", approvalId });
    }
  }

  #expire(question: Question): void {
    if (!this.#context.reachesPeople(question.id)) {
      question.waiter?.reject(new EgressError("approval.unavailable", "the question could not be brought to anybody"));
      question.waiter = null;
    }
    this.#end(question, { outcome: "expired", by: null, reason: "", scope: null, approvalId: question.id });
  }

  #end(question: Question, ending: Ending): void {
    if (!this.#open.remove(question.id)) return;
    const view = viewOf(question);
    const { waiter, subject } = question;
    question.waiter = null;
    if (waiter !== null) waiter.resolve(answerOf(ending, Math.max(0, Math.round(this.#context.clock.monotonicMs() - waiter.sinceMs))));
    else if (subject.isWhole && ending.by !== null && ending.scope !== "thread") this.#kept.keep(subject.fingerprint, ending);
    this.#remember(question.id, ending);
    this.#tell((listener) => { listener.ended(view, ending); });
  }

  #late(id: string): DecisionResult {
    const ending = this.#ended.get(id);
    return ending === undefined ? { result: "unknown", outcome: null, by: null } : { result: "late", outcome: ending.outcome, by: ending.by };
  }

  #remember(id: string, ending: Ending): void {
    this.#ended.set(id, ending);
    for (const [oldest] of this.#ended) {
      if (this.#ended.size <= LIST_LIMIT) return;
      this.#ended.delete(oldest);
    }
  }

  #tell(what: (listener: DeskListener) => void): void {
    for (const listener of this.#context.listeners) what(listener);
  }
}

function threadApproval({ id, ask, subject: { agent } }: Question, { by, reason }: Pick<ThreadApprovalView, "by" | "reason">, { clock, config }: DeskContext): ThreadApprovalView {
  const allowedAtMs = clock.nowMs();
  return { id, namespace: agent.namespace, agent: agent.name, thread: agent.thread, rule: ask.rule, by, reason, allowedAtMs, expiresAtMs: allowedAtMs + config.threadApprovalMs };
}

function answerOf({ outcome, by, reason, scope, approvalId }: Ending, waitedMs: number): RecordedApproval {
  return { id: approvalId, outcome: outcome === "withdrawn" ? "expired" : outcome, by, reason, scope, waitedMs };
}
