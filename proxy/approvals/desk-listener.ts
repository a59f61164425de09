import type { AnswerDelivery, QuestionView, ThreadApprovalView } from "../../common/approvals/views.ts";
import type { Ending } from "./question.ts";

/** Hears what happens at the desk: for the audit, for messages to people, for the controller. Must not throw. */
export interface DeskListener {
  asked?(question: QuestionView): void;
  /** The client of an open question has left, or come back. */
  changed?(question: QuestionView): void;
  ended?(question: QuestionView, ending: Ending): void;
  /** What came of a person's answer where the request waits; after `ended`, at most once. */
  delivered?(id: string, ending: Ending, delivery: AnswerDelivery): void;
  revoked?(approval: ThreadApprovalView, by: string, reason: string): void;
}

/** Tells all of them. */
export type Tell = (what: (listener: DeskListener) => void) => void;
