import type { ApprovalDecision, DecisionResult, QuestionView, ThreadApprovalView } from "../../common/approvals/views.ts";

/** Where people are asked: the proxies of one machine, or a cluster's controller. */
export interface ApprovalBook {
  /** For people. */
  readonly place: string;
  list(): Promise<BookList>;
  decide(id: string, decision: ApprovalDecision): Promise<DecisionResult>;
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
