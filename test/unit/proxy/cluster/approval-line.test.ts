import { expect, test } from "vitest";
import type { DecisionResult, QuestionView } from "../../../../common/approvals/views.ts";
import { approvalReport, type ApprovalReport, type PollReply, type QuestionOver } from "../../../../common/approvals/wire.ts";
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

/** A line whose controller has this news, and whose desk does `put` with answers to single requests. @returns what it says is over, and what it gives up */
async function hears(news: Pick<PollReply, "decisions" | "threads">, desk: (line: ApprovalLine) => Partial<Parameters<ApprovalLine["run"]>[0]>, { asked, until }: { readonly asked: QuestionView; readonly until: (told: readonly QuestionOver[]) => boolean }) {
  const told: QuestionOver[] = [];
  const given: string[] = [];
  const end = new AbortController();
  const isAsked = Promise.withResolvers<void>();
  const line = aLine({ client: { ask: async (_to: unknown, { path, body }: { path: string; body: string }) => {
    if (path.endsWith("report")) {
      const { asked: questions, over } = approvalReport.parse(JSON.parse(body));
      told.push(...over);
      queueMicrotask(() => { isAsked.resolve(); if (until(told)) end.abort(); });
      return { status: 200, body: JSON.stringify({ kept: questions.flatMap((one) => one?.id ?? []) }) };
    }
    await isAsked.promise;
    return { status: 200, body: JSON.stringify({ version: "v", revoked: {}, ...news }) };
  } } });
  line.listener.asked(asked);
  const answers = { giveUp: (id: string) => { given.push(id); }, decide: (): DecisionResult => ({ result: "unknown", outcome: null, by: null }), agree: () => {}, ...desk(line) };
  await line.run(answers, end.signal);
  return { told, given };
}

test("an answer is told as heard, and what came of it when the request has said so, however late that is", async () => {
  const asked = aQuestionView();
  const { id } = asked;
  const decide = (line: ApprovalLine) => (): DecisionResult => {
    line.listener.ended(asked, { outcome: "allowed" });
    return { result: "done", outcome: "allowed", by: "ann" };
  };
  let line: ApprovalLine | null = null;
  const { told } = await hears({ decisions: [{ id, by: "ann", decision: { decision: "allow", scope: "once", reason: "" } }], threads: [] }, (made) => {
    line = made;
    return { decide: decide(made) };
  }, { asked, until: (over) => {
    if (over.length === 1) line?.listener.delivered(id, { outcome: "allowed" }, "went-on");
    return over.length === 2;
  } });
  expect(told).toEqual([{ id, outcome: "allowed", delivery: null }, { id, outcome: "allowed", delivery: "went-on" }]);
});

test("a yes for the thread whose question had expired before it came is told as too late", async () => {
  const asked = aQuestionView();
  const { id } = asked;
  const { told } = await hears({ decisions: [{ id, by: "ann", decision: { decision: "allow", scope: "thread", reason: "" } }], threads: [] },
    (line) => ({ agree: () => { line.listener.ended(asked, { outcome: "expired" }); } }), { asked, until: (over) => over.length === 1 });
  expect(told).toEqual([{ id, outcome: "allowed", delivery: "too-late" }]);
});

test("an approval that cannot be kept here holds up no answer to a single request", async () => {
  const asked = aQuestionView();
  const { id } = asked;
  const decide = (line: ApprovalLine) => (): DecisionResult => {
    line.listener.ended(asked, { outcome: "denied" });
    line.listener.delivered(id, { outcome: "denied" }, "refused");
    return { result: "done", outcome: "denied", by: "ann" };
  };
  const { told } = await hears({ decisions: [{ id, by: "ann", decision: { decision: "deny", reason: "" } }], threads: [] },
    (line) => ({ decide: decide(line), agree: () => { throw new Error("the disk is full"); } }), { asked, until: (over) => over.length === 1 });
  expect(told).toEqual([{ id, outcome: "denied", delivery: "refused" }]);
});

test("a yes for once that came when its client had left, and nothing could be kept for, withdraws the question on both sides", async () => {
  const asked = aQuestionView();
  const { id } = asked;
  const { told, given } = await hears({ decisions: [{ id, by: "ann", decision: { decision: "allow", scope: "once", reason: "" } }], threads: [] },
    () => ({ decide: () => ({ result: "unfit", outcome: null, by: null }) }), { asked, until: (over) => over.length === 1 });
  expect([told, given]).toEqual([[{ id, outcome: "withdrawn", delivery: null }], [id]]);
});
