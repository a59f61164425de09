import fc from "fast-check";
import { expect, test } from "vitest";
import { questionView } from "../../../../common/approvals/views.ts";
import { newApprovalId } from "../../../../common/approvals/approval-id.ts";
import { viewOf } from "../../../../proxy/approvals/question.ts";
import { anAsk, aSubject } from "../../../support/approval-stand.ts";

const long = fc.string({ maxLength: 10 }).chain((text) => fc.integer({ min: 0, max: 9_000 }).map((length) => text.padEnd(length, "x")));

test("whatever is asked about fits the form in which people are told of it", () => {
  fc.assert(fc.property(fc.record({ id: long, host: long, method: long, path: long, line: long, rule: long, name: long }), ({ id, host, method, path, line, rule, name }) => {
    const agent = { ...aSubject().agent, namespace: name, name, thread: name, instance: name, user: name, pod: name, chain: Array.from({ length: 20 }, () => name) };
    const subject = aSubject({ id, host, method, path, details: Array.from({ length: 60 }, () => line), agent });
    const view = viewOf({ id: newApprovalId(), subject, ask: anAsk({ rule, reason: rule, hint: rule }), askedAtMs: 1, expiresAtMs: 2, deadlineMs: 2, waiter: null });
    expect(questionView.safeParse(view).error?.issues).toBeUndefined();
  }));
});

test("what fits stands there as it is, and what is cut says so", () => {
  const path = `/${"a".repeat(3_000)}`;
  const view = viewOf({ id: newApprovalId(), subject: aSubject({ path }), ask: anAsk(), askedAtMs: 1, expiresAtMs: 2, deadlineMs: 2, waiter: null });
  expect(view).toMatchObject({ host: "billing.test", method: "POST", path: `${path.slice(0, 2_047)}…` });
});
