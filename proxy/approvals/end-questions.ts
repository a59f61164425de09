import type { Clock } from "../../common/clock.ts";
import { EgressError } from "../errors.ts";
import type { RecordedApproval } from "../model/record.ts";
import type { Tell } from "./desk-listener.ts";
import type { KeptAnswers } from "./kept-answers.ts";
import type { OpenQuestions } from "./open-questions.ts";
import type { PastQuestions } from "./past-questions.ts";
import { viewOf, type Ending, type Question } from "./question.ts";

interface EndQuestionsContext {
  readonly clock: Clock;
  readonly open: OpenQuestions;
  readonly kept: KeptAnswers;
  readonly past: PastQuestions;
  readonly tell: Tell;
}

/** Ends questions, each once: whoever waits hears it, or the next try will, and so does everybody who listens, all in one turn. One answer is the first. */
export class EndQuestions {
  readonly #context: EndQuestionsContext;

  constructor(context: EndQuestionsContext) {
    this.#context = context;
  }

  end(question: Question, ending: Ending): void {
    const { clock, open, past, tell } = this.#context;
    if (!open.remove(question.id)) return;
    const view = viewOf(question);
    const { waiter } = question;
    question.waiter = null;
    past.add(question.id, ending);
    tell((listener) => { listener.ended?.(view, ending); });
    if (waiter === null) return this.#nobodyWaits(question, ending);
    const answer = answerOf(ending, Math.max(0, Math.round(clock.monotonicMs() - waiter.sinceMs)));
    if (ending.outcome === "allowed") past.give(question.id, answer);
    else if (ending.outcome === "denied") past.deliver(question.id, "refused");
    waiter.resolve(answer);
  }

  /** Nobody is left whom an answer could reach, or nobody can give one. @param error for whoever waits */
  withdraw(question: Question, reason: string, error: EgressError | null = null): void {
    if (error !== null) rejectWaiter(question, error);
    this.end(question, { outcome: "withdrawn", by: null, reason, scope: null, approvalId: question.id });
  }

  /** Its time is over. @param couldAnswer false where the way to people was broken: that is a failure, and nobody's no */
  expire(question: Question, couldAnswer: boolean): void {
    if (!couldAnswer) rejectWaiter(question, new EgressError("approval.unavailable", "the question could not be brought to anybody"));
    this.end(question, { outcome: "expired", by: null, reason: "", scope: null, approvalId: question.id });
  }

  /** A person's answer waits for the next try. A yes for the thread holds by itself. */
  #nobodyWaits({ id, subject }: Question, ending: Ending): void {
    if (ending.by === null) return;
    if (subject.isWhole && ending.scope !== "thread") this.#context.kept.keep(subject.fingerprint, ending);
    this.#context.past.deliver(id, "client-left");
  }
}

/** How the ending reads to a request that it is the answer to. */
export function answerOf({ outcome, by, reason, scope, approvalId }: Ending, waitedMs: number): RecordedApproval {
  return { id: approvalId, outcome: outcome === "withdrawn" ? "expired" : outcome, by, reason, scope, waitedMs };
}

function rejectWaiter(question: Question, error: EgressError): void {
  question.waiter?.reject(error);
  question.waiter = null;
}
