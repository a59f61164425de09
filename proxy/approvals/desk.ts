import { newApprovalId } from "../../common/approvals/approval-id.ts";
import { LIST_LIMIT, type AnswerDelivery, type ApprovalDecision, type ApprovalList, type DecisionResult, type ThreadApprovalView } from "../../common/approvals/views.ts";
import type { Clock } from "../../common/clock.ts";
import { EgressError } from "../errors.ts";
import type { Ask } from "../model/decision.ts";
import type { RecordedApproval } from "../model/record.ts";
import type { Approvals, ApprovalSubject } from "./approvals.ts";
import type { ApprovalsConfig } from "./config.ts";
import type { DeskListener, Tell } from "./desk-listener.ts";
import { answerOf, EndQuestions } from "./end-questions.ts";
import { KeptAnswers } from "./kept-answers.ts";
import { OpenQuestions } from "./open-questions.ts";
import { PastQuestions } from "./past-questions.ts";
import { offered, viewOf, type Question } from "./question.ts";
import { ThreadAnswers, type WhoRevoked } from "./thread-answers.ts";
import type { ThreadApprovals } from "./thread-approvals.ts";
import { waitForAnswer } from "./wait-for-answer.ts";

export interface DeskContext {
  readonly config: ApprovalsConfig;
  readonly clock: Clock;
  readonly threads: ThreadApprovals;
  readonly listeners: readonly DeskListener[];
  /** Whether anybody could have answered this question: false where the way to people is broken. */
  readonly reachesPeople: (id: string) => boolean;
}

/**
 * Where requests ask and people answer. A question is open (open-questions.ts) while its request waits (wait-for-answer.ts), until somebody ends it
 * (end-questions.ts); then it is past (past-questions.ts), and its answer may cover the next request (kept-answers.ts, thread-answers.ts).
 */
export class ApprovalDesk implements Approvals {
  readonly #context: DeskContext;
  readonly #tell: Tell;
  readonly #open: OpenQuestions;
  readonly #kept: KeptAnswers;
  readonly #past: PastQuestions;
  readonly #ends: EndQuestions;
  readonly #threadAnswers: ThreadAnswers;
  #closed: EgressError | null = null;

  constructor(context: DeskContext) {
    this.#context = context;
    const { clock, config, threads } = context;
    this.#tell = (what) => { for (const listener of context.listeners) what(listener); };
    this.#open = new OpenQuestions(clock, config, {
      late: (question) => { this.#ends.expire(question, context.reachesPeople(question.id)); },
      dropped: (question) => { this.#ends.withdraw(question, "the client has gone, and others need its room"); },
    });
    this.#kept = new KeptAnswers(clock, config.retryMs, LIST_LIMIT);
    this.#past = new PastQuestions(this.#tell);
    this.#ends = new EndQuestions({ clock, open: this.#open, kept: this.#kept, past: this.#past, tell: this.#tell });
    this.#threadAnswers = new ThreadAnswers({ threads, open: this.#open, ends: this.#ends, tell: this.#tell });
  }

  async ask(subject: ApprovalSubject, ask: Ask, signal: AbortSignal): Promise<RecordedApproval> {
    signal.throwIfAborted();
    if (this.#closed !== null) throw this.#closed;
    const before = this.#answeredBefore(subject, ask);
    if (before !== null) return before;
    const orphan = this.#open.orphanOf(subject);
    const question = orphan ?? this.#open.add(newApprovalId(), subject, ask);
    const answer = waitForAnswer(question, this.#context.clock, { signal, onLeft: (left) => { this.#left(left); } });
    this.#tell((listener) => { listener[orphan === null ? "asked" : "changed"]?.(viewOf(question)); });
    return answer;
  }

  tellBack(approval: RecordedApproval, goesOn: boolean): void {
    this.#past.tellBack(approval, goesOn);
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
    const outcome = scope === null ? "denied" : "allowed";
    if (scope === "thread") this.#threadAnswers.allow(threadApproval(question, { by, reason }, this.#context));
    else this.#ends.end(question, { outcome, by, reason, scope, approvalId: id });
    return { result: "done", outcome, by };
  }

  /** What came of a person's answer, once its request has said so; null where none ended the question. */
  async deliveryOf(id: string): Promise<AnswerDelivery | null> {
    return this.#past.deliveryOf(id);
  }

  /** Takes a yes for a thread back. @returns whether it was there */
  revoke(id: string, by: string, reason: string): boolean {
    return this.#threadAnswers.revoke(id, by, reason);
  }

  /** Takes over approvals of threads that somebody else keeps. */
  agree(approvals: readonly ThreadApprovalView[], whoRevoked: WhoRevoked): void {
    this.#threadAnswers.agree(approvals, whoRevoked);
  }

  /** Nobody can be asked this: whoever waits for it is told so. */
  giveUp(id: string): void {
    const question = this.#open.get(id);
    if (question !== null) this.#ends.withdraw(question, "nobody can be asked", new EgressError("approval.unavailable", "the question cannot be brought to anybody"));
  }

  /** Nothing is asked any more, and whoever waits is told so. */
  close(reason: EgressError): void {
    this.#closed ??= reason;
    for (const question of this.#open.all()) this.#ends.withdraw(question, "the proxy stops", reason);
    this.#open.close();
  }

  #answeredBefore(subject: ApprovalSubject, { rule, scopes }: Ask): RecordedApproval | null {
    const standing = scopes.includes("thread") ? this.#context.threads.find(subject.agent, rule) : null;
    if (standing !== null) return { id: standing.id, outcome: "allowed", by: standing.by, reason: standing.reason, scope: "thread", waitedMs: 0 };
    const kept = subject.isWhole ? this.#kept.take(subject.fingerprint) : null;
    return kept === null ? null : answerOf(kept, 0);
  }

  /** The question stays for the next try, unless no answer could be of use to anybody. */
  #left(question: Question): void {
    if (offered(question).length > 0) return this.#tell((listener) => { listener.changed?.(viewOf(question)); });
    this.#ends.withdraw(question, "the client has gone");
  }

  #late(id: string): DecisionResult {
    const ending = this.#past.endingOf(id);
    return ending === null ? { result: "unknown", outcome: null, by: null } : { result: "late", outcome: ending.outcome, by: ending.by };
  }
}

function threadApproval({ id, ask, subject: { agent } }: Question, { by, reason }: Pick<ThreadApprovalView, "by" | "reason">, { clock, config }: DeskContext): ThreadApprovalView {
  const allowedAtMs = clock.nowMs();
  return { id, namespace: agent.namespace, agent: agent.name, thread: agent.thread, rule: ask.rule, by, reason, allowedAtMs, expiresAtMs: allowedAtMs + config.threadApprovalMs };
}
