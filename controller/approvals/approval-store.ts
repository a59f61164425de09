import type { AnswerDelivery, ApprovalDecision, DecisionResult, QuestionView, ThreadApprovalView } from "../../common/approvals/views.ts";
import type { ApprovalReport, PollReply } from "../../common/approvals/wire.ts";

/** One process of a node proxy. */
export interface AskingProxy {
  readonly node: string;
  readonly proxy: string;
  /** When it began, by the clock of its node, in milliseconds: orders the processes of one node. */
  readonly startedAtMs: number;
}

/** A question of an instance that the cluster agrees lives on the node. */
export interface AskedQuestion {
  readonly view: QuestionView;
  /** Null for a pod that serves no thread. */
  readonly threadUid: string | null;
}

export interface StoredQuestion extends AskedQuestion {
  readonly state: "open" | "allowed" | "denied" | "expired" | "withdrawn";
  readonly by: string | null;
  readonly reason: string;
  readonly scope: "once" | "thread" | null;
  /** What came of the answer; null where there is none, or its node has not said so yet. */
  readonly delivery: AnswerDelivery | null;
}

export interface StoredApproval extends ThreadApprovalView {
  readonly threadUid: string | null;
}

/** A message to another service that nobody has taken yet. */
export interface DueMessage {
  readonly id: string;
  readonly body: string;
  /** Attempts that failed. */
  readonly failed: number;
}

/** Questions of all nodes, answers of people. Every word is durable before it is heard of. Rejects with StoreUnavailable if the database does not answer. */
export interface ApprovalStore {
  /**
   * Enters questions, or notes that their client has left or come back: nothing else of one changes. What an earlier process of the node asked is withdrawn; an
   * answer of which that process said nothing is lost.
   * @returns ids of those that people can answer, or have answered
   */
  ask(from: AskingProxy, questions: readonly AskedQuestion[], nowMs: number): Promise<readonly string[]>;
  /** What a node proxy says is over: heard by it, with what came of it, or ended before an answer for once came to it, which then did not count. */
  end(from: AskingProxy, over: ApprovalReport["over"], nowMs: number): Promise<void>;
  /** What a node proxy has still to hear. */
  news(from: AskingProxy, nowMs: number): Promise<PollReply>;
  /** Open questions, the oldest first. @param namespace null is all */
  open(namespace: string | null, nowMs: number): Promise<readonly StoredQuestion[]>;
  get(id: string, nowMs: number): Promise<StoredQuestion | null>;
  /** The first answer counts. */
  decide(id: string, decision: ApprovalDecision, by: string, nowMs: number): Promise<DecisionResult>;
  /** Approvals of threads that hold. @param namespace null is all */
  threadApprovals(namespace: string | null, nowMs: number): Promise<readonly StoredApproval[]>;
  /** @returns whether it held until now */
  revoke(id: string, by: string, reason: string, nowMs: number): Promise<boolean>;
  /** Messages whose time has come; the oldest first. */
  due(nowMs: number, limit: number): Promise<readonly DueMessage[]>;
  /** It was taken, or is given up. */
  dropMessage(id: string): Promise<void>;
  retryMessage(id: string, atMs: number): Promise<void>;
  /** Forgets what was over before then. */
  forget(beforeMs: number): Promise<void>;
  /** Calls back when something has changed, by whichever controller. @returns a function that stops that */
  onChange(listener: () => void): () => void;
  close(): Promise<void>;
}
