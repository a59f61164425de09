import type { QuestionView } from "../../common/approvals/views.ts";
import { newApprovalId } from "../../common/approvals/approval-id.ts";

/** A question as a node proxy reports it. */
export function aQuestionView(changes: Partial<QuestionView> = {}): QuestionView {
  return {
    id: newApprovalId(), askedAtMs: 1_000, expiresAtMs: 601_000,
    agent: { namespace: "team", name: "shop", thread: "shop-1", instance: "uid-of-pod/1", user: "ann", chain: [], pod: "weir-shop-1" },
    question: "exchange", requestId: "c1.1", host: "billing.test", port: 443, method: "POST", path: "/charges", details: ["MCP: tools/call charge"],
    rule: "billing.charge", reason: "Charging a card needs a person.", hint: "", scopes: ["once", "thread"], isWaiting: true, ...changes,
  };
}
