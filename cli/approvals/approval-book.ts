import type { AnswerResult, ApprovalDecision, QuestionView, ThreadApprovalView } from "../../common/approvals/views.ts";

/** Where people are asked: the proxies of one machine, or a cluster's controller. */
export interface ApprovalBook {
  /** For people. */
  readonly place: string;
  list(): Promise<BookList>;
  /** Waits a few seconds for what comes of the answer where the request waits. */
  decide(id: string, decision: ApprovalDecision): Promise<AnswerResult>;
  /** @returns whether there was such an approval of a thread */
  revoke(id: string, reason: string): Promise<boolean>;
}

export interface BookList {
  /** The oldest first. */
  readonly questions: readonly QuestionView[];
  readonly threads: readonly ThreadApprovalView[];
  /** Who did not answer, and why. */
  readonly troubles: readonly string[];
}
