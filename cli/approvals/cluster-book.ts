import { dataOf, WeirProblem, type ApprovalQuestion, type ThreadApproval, type WeirClient } from "../../client/client.ts";
import type { AnswerResult, ApprovalDecision, QuestionView, ThreadApprovalView } from "../../common/approvals/views.ts";
import type { ApprovalBook } from "./approval-book.ts";

/** Longest wait for the node to say what came of an answer, in milliseconds. */
const DELIVERY_MS = 5_000;

/** The controller of a cluster, which knows who answers and whether they may. @param namespace null is all */
export function clusterApprovalBook({ api }: WeirClient, namespace: string | null): ApprovalBook {
  return {
    place: namespace === null ? "this cluster" : `namespace ${namespace}`,
    list: async () => {
      const { questions, threads } = dataOf(await api.GET("/v1/approvals", { params: { query: namespace === null ? {} : { namespace } } }));
      return { questions: questions.map(questionOf), threads: threads.map(threadOf), troubles: [] };
    },
    decide: async (id, decision) => decide(api, id, decision),
    revoke: async (id, why) => {
      dataOf(await api.POST("/v1/approvals/{approval}/revoke", { params: { path: { approval: id } }, body: { why } }));
      return true;
    },
  };
}

/** Who was too late is told by whom; every other problem is the caller's to see. */
async function decide(api: WeirClient["api"], id: string, decision: ApprovalDecision): Promise<AnswerResult> {
  const { reason: why } = decision;
  const body = decision.decision === "allow" ? { decision: "allow" as const, scope: decision.scope, why } : { decision: "deny" as const, why };
  try {
    const { outcome, by } = dataOf(await api.POST("/v1/approvals/{approval}/decision", { params: { path: { approval: id } }, body }));
    return await delivered(api, id, { result: "done", outcome, by, delivery: null });
  } catch (error) {
    if (!(error instanceof WeirProblem) || error.problem.rule !== "approval.late") throw error;
    const { state, by } = dataOf(await api.GET("/v1/approvals/{approval}", { params: { path: { approval: id } } }));
    return { result: "late", outcome: state === "open" ? null : state, by, delivery: null };
  }
}

/** The answer stands whatever becomes of this: where nobody can be asked about it any more, it is not known what came of it. */
async function delivered(api: WeirClient["api"], id: string, recorded: AnswerResult): Promise<AnswerResult> {
  try {
    const { state, by, delivery } = dataOf(await api.GET("/v1/approvals/{approval}", { params: { path: { approval: id }, query: { waitMs: DELIVERY_MS } } }));
    if (state === "expired" || state === "withdrawn") return { result: "late", outcome: state, by, delivery: null };
    return { ...recorded, delivery: delivery === "recorded" ? null : delivery };
  } catch {
    return recorded;
  }
}

function questionOf({ state: _state, by: _by, scope: _scope, why: _why, delivery: _delivery, askedAt, expiresAt, ...rest }: ApprovalQuestion): QuestionView {
  return { ...rest, askedAtMs: Date.parse(askedAt), expiresAtMs: Date.parse(expiresAt) };
}

function threadOf({ allowedAt, expiresAt, why: reason, ...rest }: ThreadApproval): ThreadApprovalView {
  return { ...rest, reason, allowedAtMs: Date.parse(allowedAt), expiresAtMs: Date.parse(expiresAt) };
}
