import { expect, test } from "vitest";
import { webhookBody } from "../../../../common/approvals/webhook-message.ts";
import { aQuestionView } from "../../../support/asked-question.ts";

test("a message has ids, names and times, and nothing that the agent wrote or a person said", () => {
  const view = aQuestionView({ path: "/secret-path", details: ["secret detail"], reason: "secret reason" });
  const body = webhookBody("approval.asked", view, { nowMs: 1_000, link: "https://weir.test/approvals" });
  expect(JSON.parse(body)).toEqual({
    type: "approval.asked", timestamp: "1970-01-01T00:00:01.000Z",
    data: { id: view.id, requestId: "c1.1", question: "exchange", namespace: "team", agent: "shop", thread: "shop-1", rule: "billing.charge", expiresAt: "1970-01-01T00:10:01.000Z", link: "https://weir.test/approvals" },
  });
  expect(body).not.toContain("secret");
});
