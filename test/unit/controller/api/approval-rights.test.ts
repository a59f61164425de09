import { expect, test } from "vitest";
import type { Question } from "../../../../controller/access/access.ts";
import { approvalQuestion, visibleTo, type OfThread } from "../../../../controller/api/approval-rights.ts";
import { approvalQuestion as questionSchema, approvalWish } from "../../../../controller/api/approval-schemas.ts";
import { viewOfQuestion, viewOfThreadApproval } from "../../../../controller/api/approval-views.ts";
import { ALICE, fewParts, refuse } from "../../../support/api/api-parts.ts";
import { aQuestionView } from "../../../support/asked-question.ts";

const OF: OfThread = { namespace: "team", agent: "shop", thread: "shop-1", threadUid: "u1" };

test("a question is shown with its times in words of people, as the document says", () => {
  const view = viewOfQuestion({ view: aQuestionView(), threadUid: null, state: "allowed", by: "ann", reason: "agreed", scope: "once", delivery: null });
  expect(questionSchema.parse(view)).toMatchObject({ askedAt: "1970-01-01T00:00:01.000Z", state: "allowed", by: "ann", why: "agreed" });
});

test.each([["allowed", null, "recorded"], ["denied", null, "recorded"], ["allowed", "went-on", "went-on"], ["open", null, null], ["expired", null, null]] as const)(
  "a question that is %s, of whose answer %s is known, has the delivery %s", (state, known, shown) => {
    expect(viewOfQuestion({ view: aQuestionView(), threadUid: null, state, by: null, reason: "", scope: null, delivery: known }).delivery).toBe(shown);
  });

test("an approval of a thread does not show what the controller calls the thread", () => {
  const shown = viewOfThreadApproval({ id: aQuestionView().id, namespace: "team", agent: "shop", thread: "shop-1", threadUid: "u1", rule: "r", by: "ann", reason: "", allowedAtMs: 0, expiresAtMs: 1 });
  expect(Object.keys(shown)).not.toContain("threadUid");
});

test("a scope belongs to a yes", () => {
  expect(approvalWish.safeParse({ decision: "allow", scope: "thread" }).success).toBe(true);
  expect(approvalWish.safeParse({ decision: "deny", scope: "thread" }).success).toBe(false);
});

test("access is asked about thread and agent, about the agent alone where there is no thread, and about nobody where there is no question", async () => {
  const parts = fewParts();
  expect(await approvalQuestion(parts, "approval.see", OF)).toMatchObject({ namespace: "team", agent: { name: "shop" }, thread: { uid: "u1" } });
  expect(await approvalQuestion(parts, "approval.see", { ...OF, threadUid: null })).not.toHaveProperty("thread");
  expect(await approvalQuestion(parts, "approval.decide", null)).toEqual({ action: "approval.decide", namespace: "" });
});

test("a person sees those that access lets them see, and access is asked once for each thread", async () => {
  const parts = fewParts();
  const seen: Question[] = [];
  parts.answer = (question) => {
    seen.push(question);
    return question.thread?.uid === "u1" ? { rule: "test", grants: null } : refuse();
  };
  const all = [OF, { ...OF, threadUid: "u2" }, OF];
  expect(await visibleTo(parts, ALICE, all, (one) => one)).toEqual([OF, OF]);
  expect(seen).toHaveLength(2);
});
