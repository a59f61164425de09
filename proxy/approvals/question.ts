import { DETAIL_LENGTH, DETAIL_LINES, PATH_LENGTH, type QuestionOutcome, type QuestionView } from "../../common/approvals/views.ts";
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
  /** Wall clock, milliseconds: a yes for the thread holds no longer. Absent for every other ending. */
  readonly untilMs?: number;
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

/** As people see it. Whatever is asked about fits the form in which it is told on (common/approvals/views.ts): one question never keeps others from people. */
export function viewOf({ id, subject, ask, askedAtMs, expiresAtMs, waiter }: Question): QuestionView {
  const { agent, question, host, port, method, path, details } = subject;
  return {
    id, askedAtMs, expiresAtMs, agent: agentOf(agent), question, requestId: cut(subject.id, 64), host: cut(host, 255), port,
    method: method === null ? null : cut(method, 64), path: path === null ? null : cut(path, PATH_LENGTH),
    details: details.slice(0, DETAIL_LINES).map((line) => cut(line, DETAIL_LENGTH)), rule: cut(ask.rule, 200), reason: cut(ask.reason, 4_000), hint: cut(ask.hint, 4_000),
    scopes: offered({ subject, ask, waiter }), isWaiting: waiter !== null,
  };
}

function agentOf({ namespace, name, thread, instance, user, chain, pod }: ApprovalSubject["agent"]): QuestionView["agent"] {
  const named = (text: string) => cut(text, 253);
  return {
    namespace: named(namespace), name: named(name), thread: named(thread), instance: named(instance), user: named(user), chain: chain.slice(0, 16).map(named),
    pod: pod === undefined ? null : named(pod),
  };
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** What may be answered: once is worth nothing where the request has gone and its next try could be another. */
export function offered({ subject, ask, waiter }: Pick<Question, "subject" | "ask" | "waiter">): ("once" | "thread")[] {
  return ask.scopes.filter((scope) => scope === "thread" || waiter !== null || subject.isWhole);
}
