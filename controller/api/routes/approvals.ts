import { createRoute } from "@hono/zod-openapi";
import type { ApprovalDecision, DecisionResult } from "../../../common/approvals/views.ts";
import { unreachable } from "../../../common/unreachable.ts";
import type { Person } from "../../access/access.ts";
import type { StoredApproval, StoredQuestion } from "../../approvals/approval-store.ts";
import { approvalQuestion, visibleTo, type OfThread } from "../approval-rights.ts";
import { approvalQuestion as questionSchema, approvalResult, approvalsList, approvalsQuery, approvalWait, approvalWish, ofApproval, revocationWish, threadApproval } from "../approval-schemas.ts";
import { viewOfQuestion, viewOfThreadApproval } from "../approval-views.ts";
import { personOf, type Api, type RouteParts } from "../context.ts";
import { deliveredQuestion } from "../delivered-question.ts";
import { jsonAnswer, jsonBody, orProblem } from "../describe.ts";
import { ApiProblem } from "../problem.ts";

const list = createRoute({
  method: "get", path: "/v1/approvals", operationId: "listApprovals", summary: "Questions that wait for a person, and what is allowed for threads",
  request: { query: approvalsQuery }, responses: { 200: jsonAnswer("Those that the caller may answer; the ones that end first come first.", approvalsList), ...orProblem },
});
const get = createRoute({
  method: "get", path: "/v1/approvals/{approval}", operationId: "getApproval", summary: "One question, open or over",
  request: { params: ofApproval, query: approvalWait }, responses: { 200: jsonAnswer("The question, and what became of it.", questionSchema), ...orProblem },
});
const decide = createRoute({
  method: "post", path: "/v1/approvals/{approval}/decision", operationId: "decideApproval", summary: "Allow or deny; the first answer counts",
  request: { params: ofApproval, body: jsonBody(approvalWish) }, responses: { 200: jsonAnswer("This answer decided.", approvalResult), ...orProblem },
});
const revoke = createRoute({
  method: "post", path: "/v1/approvals/{approval}/revoke", operationId: "revokeApproval", summary: "Take back what was allowed for a thread; what runs on it ends",
  request: { params: ofApproval, body: jsonBody(revocationWish) }, responses: { 200: jsonAnswer("It holds no longer.", threadApproval), ...orProblem },
});

/** Where people answer what agents have to ask. Who may is for the policy of access to say, by relations to the thread and its agent. */
export function approvalRoutes(api: Api, parts: RouteParts): void {
  const { approvals, clock, log } = parts;
  api.openapi(list, async (context) => {
    const person = personOf(context);
    const namespace = context.req.valid("query").namespace ?? null;
    const questions = await visibleTo(parts, person, await approvals.open(namespace, clock.nowMs()), ofQuestion);
    const threads = await visibleTo(parts, person, await approvals.threadApprovals(namespace, clock.nowMs()), (one) => one);
    return context.json({ questions: questions.map(viewOfQuestion), threads: threads.map(viewOfThreadApproval) }, 200);
  });
  api.openapi(get, async (context) => {
    const { approval } = context.req.valid("param");
    const asked = await requireQuestion(parts, personOf(context), approval, "approval.see");
    const { waitMs } = context.req.valid("query");
    return context.json(viewOfQuestion(await deliveredQuestion(asked, { waitMs, signal: context.req.raw.signal }, parts)), 200);
  });
  api.openapi(decide, async (context) => {
    const person = personOf(context);
    const { approval } = context.req.valid("param");
    const { decision, scope = "once", why: reason } = context.req.valid("json");
    await requireQuestion(parts, person, approval, "approval.decide");
    const wish: ApprovalDecision = decision === "allow" ? { decision, scope, reason } : { decision, reason };
    const outcome = outcomeOf(await approvals.decide(approval, wish, person.name, clock.nowMs()));
    log.info("approval.decided", { approval, outcome, by: person.name, why: reason, ...(decision === "allow" ? { scope } : {}) });
    return context.json({ id: approval, outcome, by: person.name, delivery: "recorded" as const }, 200);
  });
  api.openapi(revoke, async (context) => {
    const person = personOf(context);
    const { approval: id } = context.req.valid("param");
    const { why } = context.req.valid("json");
    const held = await requireHeld(parts, person, id);
    if (!await approvals.revoke(id, person.name, why, clock.nowMs())) throw notThere();
    log.info("approval.revoked", { approval: id, by: person.name, why });
    return context.json(viewOfThreadApproval(held), 200);
  });
}

async function requireQuestion(parts: RouteParts, person: Person, id: string, action: "approval.see" | "approval.decide"): Promise<StoredQuestion> {
  const found = await parts.approvals.get(id, parts.clock.nowMs());
  await parts.access.require(person, await approvalQuestion(parts, action, found === null ? null : ofQuestion(found)));
  if (found === null) throw notThere();
  return found;
}

async function requireHeld(parts: RouteParts, person: Person, id: string): Promise<StoredApproval> {
  const found = (await parts.approvals.threadApprovals(null, parts.clock.nowMs())).find((one) => one.id === id) ?? null;
  await parts.access.require(person, await approvalQuestion(parts, "approval.decide", found));
  if (found === null) throw notThere();
  return found;
}

function ofQuestion({ view: { agent: { namespace, name, thread } }, threadUid }: StoredQuestion): OfThread {
  return { namespace, agent: name, thread, threadUid };
}

/** @throws ApiProblem for an answer that decided nothing */
function outcomeOf({ result, outcome, by }: DecisionResult): "allowed" | "denied" {
  switch (result) {
    case "done": return outcome === "allowed" ? "allowed" : "denied";
    case "late": throw new ApiProblem("conflict", `it was ${outcome ?? "decided"} already${by === null ? "" : `, by ${by}`}`, { rule: "approval.late", hint: "look at it again" });
    case "unfit": throw new ApiProblem("request.unfit", "policy does not offer that scope for this question", { rule: "approval.scope", hint: "`scopes` of the question says which are offered" });
    case "unknown": throw notThere();
    default: return unreachable(result);
  }
}

function notThere(): ApiProblem {
  return new ApiProblem("not-found", "there is no such approval", { rule: "approval.unknown", hint: "GET /v1/approvals lists them" });
}
