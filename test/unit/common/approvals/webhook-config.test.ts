import { expect, test } from "vitest";
import { webhookConfig } from "../../../../common/approvals/webhook-config.ts";

const WHERE = { url: "https://hooks.example/weir", secretFile: "/key" };

test("each program has its own number of attempts, and takes no more than its most", () => {
  expect(webhookConfig({ most: 12, standard: 8 }).parse(WHERE)).toMatchObject({ attempts: 8, timeoutMs: 5_000 });
  expect(webhookConfig({ most: 12, standard: 8 }).safeParse({ ...WHERE, attempts: 13 }).success).toBe(false);
});
