import { expect, test } from "vitest";
import type { QuestionView } from "../../../../common/approvals/views.ts";
import { approvalReport, type ApprovalReport } from "../../../../common/approvals/wire.ts";
import { silentLog } from "../../../../common/log.ts";
import { systemClock } from "../../../../common/clock.ts";
import { ApprovalLine } from "../../../../proxy/cluster/approval-line.ts";
import { aQuestionView } from "../../../support/asked-question.ts";

/** Runs a line until `isOver`, against a controller that answers reports so. */
async function reports(line: (context: { client: { ask: (to: unknown, asked: { path: string; body: string }) => Promise<{ status: number; body: string }> } }) => ApprovalLine,
  answer: (report: ApprovalReport) => number, { asked, isOver }: { readonly asked: readonly QuestionView[]; readonly isOver: (given: readonly string[], kept: readonly string[]) => boolean }): Promise<{ given: string[]; kept: string[] }> {
  const [given, kept]: [string[], string[]] = [[], []];
  const end = new AbortController();
  const look = () => { if (isOver(given, kept)) end.abort(); };
  const ask = async (_to: unknown, { path, body }: { path: string; body: string }) => {
    if (!path.endsWith("report")) throw new Error("nobody answers polls here");
    const report = approvalReport.parse(JSON.parse(body));
    const status = answer(report);
    const ids = report.asked.flatMap((one) => one?.id ?? []);
    if (status === 200) kept.push(...ids);
    queueMicrotask(look);
    return { status, body: JSON.stringify({ kept: ids }) };
  };
  const made = line({ client: { ask } });
  for (const question of asked) made.listener.asked(question);
  await made.run({ giveUp: (id) => { given.push(id); look(); }, decide: () => ({ result: "unknown", outcome: null, by: null }), agree: () => {} }, end.signal);
  return { given, kept };
}

const aLine = (context: Pick<ConstructorParameters<typeof ApprovalLine>[0], "client">) =>
  new ApprovalLine({ proxy: "p", controller: () => ({ address: "127.0.0.1", port: 1 }), clock: systemClock, log: silentLog, ...context });

test("of a report that is refused the one question that is unfit is given up, and the others are brought", async () => {
  const questions = Array.from({ length: 2 }, () => aQuestionView());
  const [unfit, fit] = questions.map(({ id }) => id);
  const heard = await reports(aLine, ({ asked }) => (asked.some((one) => one?.id === unfit) ? 400 : 200), { asked: questions, isOver: (given, kept) => given.length === 1 && kept.length === 1 });
  expect(heard).toEqual({ given: [unfit], kept: [fit] });
}, 20_000);

test("the end of a question that was never in a report is not told", async () => {
  const [left, stays] = [aQuestionView(), aQuestionView()];
  const told: string[] = [];
  const heard = await reports((context) => {
    const line = aLine(context);
    line.listener.asked(left);
    line.listener.ended(left, { outcome: "withdrawn" });
    return line;
  }, ({ over }) => {
    told.push(...over.map(({ id }) => id));
    return 200;
  }, { asked: [stays], isOver: (_, kept) => kept.length === 1 });
  expect([told, heard.kept]).toEqual([[], [stays.id]]);
});
