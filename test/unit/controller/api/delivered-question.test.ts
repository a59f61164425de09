import { expect, test } from "vitest";
import { systemClock } from "../../../../common/clock.ts";
import { deliveredQuestion } from "../../../../controller/api/delivered-question.ts";
import type { ApprovalStore, StoredQuestion } from "../../../../controller/approvals/approval-store.ts";
import { aQuestionView } from "../../../support/asked-question.ts";

const ANSWERED: StoredQuestion = { view: aQuestionView(), threadUid: null, state: "allowed", by: "ann", reason: "", scope: "once", delivery: null };
const staying = new AbortController().signal;

/** A store that knows the question so, and says that it has changed as soon as somebody listens. */
function storeOf(known: StoredQuestion): ApprovalStore {
  const listen: ApprovalStore["onChange"] = (listener) => {
    queueMicrotask(listener);
    return () => {};
  };
  return { get: async () => known, onChange: listen } as Partial<ApprovalStore> as ApprovalStore;
}

const waited = async (asked: StoredQuestion, known: StoredQuestion, waitMs: number, signal = staying) => deliveredQuestion(asked, { waitMs, signal }, { approvals: storeOf(known), clock: systemClock });

test("an answer is waited for until its node has said what came of it, or that the question was over before it came", async () => {
  expect(await waited(ANSWERED, { ...ANSWERED, delivery: "went-on" }, 60_000)).toMatchObject({ delivery: "went-on" });
  expect(await waited(ANSWERED, { ...ANSWERED, state: "expired" }, 60_000)).toMatchObject({ state: "expired" });
});

test("nothing is waited for where nobody has answered, nor longer than is asked for or than the caller stays", async () => {
  const delivered = { ...ANSWERED, delivery: "went-on" } as const;
  expect(await waited({ ...ANSWERED, state: "open" }, delivered, 60_000)).toMatchObject({ state: "open" });
  expect(await waited(ANSWERED, delivered, 0)).toMatchObject({ delivery: null });
  expect(await waited(ANSWERED, delivered, 60_000, AbortSignal.abort())).toMatchObject({ delivery: null });
});
