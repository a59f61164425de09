import type { QuestionOutcome, QuestionView } from "../../common/approvals/views.ts";
import type { Ask } from "../model/decision.ts";
import type { RecordedApproval } from "../model/record.ts";
import type { ApprovalSubject } from "./approvals.ts";

/** How a question ended. `withdrawn`: there is nobody left whom an answer could reach, or the proxy stops. */
export interface Ending {
  readonly outcome: QuestionOutcome;
  /** Null if nobody decided. */
  readonly by: string | null;
  readonly reason: string;
  readonly scope: "once" | "thread" | null;
  /** Of the approval that decided: the question's own, or the thread's. */
  readonly approvalId: string;
}

/** One request at the desk. At most one waits for each question; what two identical requests ask are two questions, because once is once. */
export interface Question {
  readonly id: string;
  readonly subject: ApprovalSubject;
  readonly ask: Ask;
  readonly askedAtMs: number;
  readonly expiresAtMs: number;
  /** On the monotonic clock. */
  readonly deadlineMs: number;
  waiter: Waiter | null;
}

export interface Waiter {
  readonly sinceMs: number;
  readonly resolve: (answer: RecordedApproval) => void;
  readonly reject: (reason: Error) => void;
}

/** As people see it. */
export function viewOf({ id, subject, ask, askedAtMs, expiresAtMs, waiter }: Question): QuestionView {
  const { agent: { namespace, name, thread, instance, user, chain, pod = null }, question, host, port, method, path, details } = subject;
  return {
    id, askedAtMs, expiresAtMs, agent: { namespace, name, thread, instance, user, chain: [...chain], pod }, question, requestId: subject.id, host, port, method, path,
    details: [...details], rule: ask.rule, reason: ask.reason, hint: ask.hint, scopes: offered({ subject, ask, waiter }), isWaiting: waiter !== null,
  };
}

/** What may be answered: once is worth nothing where the request has gone and its next try could be another. */
export function offered({ subject, ask, waiter }: Pick<Question, "subject" | "ask" | "waiter">): ("once" | "thread")[] {
  return ask.scopes.filter((scope) => scope === "thread" || waiter !== null || subject.isWhole);
}
