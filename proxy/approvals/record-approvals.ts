import type { QuestionView, ThreadApprovalView } from "../../common/approvals/views.ts";
import type { LifecycleRecord } from "../model/record.ts";
import type { DeskListener } from "./desk-listener.ts";
import type { Ending } from "./question.ts";

/** A life-cycle event for the audit. Must not throw. */
export type OnEvent = (event: Pick<LifecycleRecord, "event" | "outcome" | "fields">) => void;

const ENDED = { allowed: "approval.allowed", denied: "approval.denied", expired: "approval.expired", withdrawn: "approval.withdrawn" } as const;

/** Puts what people are asked and what they answer into the audit: who, why and for how long, beside the record of the request itself. */
export function recordApprovals(onEvent: OnEvent): DeskListener {
  const say = (event: string, fields: LifecycleRecord["fields"]) => { onEvent({ event, outcome: "succeeded", fields }); };
  return {
    asked: (question) => { say("approval.asked", { ...ofQuestion(question), reason: question.reason }); },
    ended: (question, ending) => { say(ENDED[ending.outcome], { ...ofQuestion(question), ...ofEnding(question, ending) }); },
    revoked: (approval, by, reason) => { say("approval.revoked", { ...ofThread(approval), by, reason }); },
  };
}

function ofQuestion({ id, agent, requestId, question, host, port, method, path, rule }: QuestionView): LifecycleRecord["fields"] {
  return {
    approval: id, agent: agent.name, namespace: agent.namespace, thread: agent.thread, instance: agent.instance, question, request: requestId, host, port,
    ...(method === null ? {} : { method }), ...(path === null ? {} : { path }), rule,
  };
}

/** `because_of`: the answer to another question, which was for the whole thread. */
function ofEnding({ id }: QuestionView, { by, reason, scope, approvalId, untilMs }: Ending): LifecycleRecord["fields"] {
  return {
    ...(by === null ? {} : { by }), reason, ...(scope === null ? {} : { scope }), ...(untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() }),
    ...(approvalId === id ? {} : { because_of: approvalId }),
  };
}

function ofThread({ id, namespace, agent, thread, rule, by }: ThreadApprovalView): LifecycleRecord["fields"] {
  return { approval: id, agent, namespace, thread, rule, allowed_by: by };
}
