import { Option, type Command } from "commander";
import { systemClock } from "../../common/clock.ts";
import { REASON_LIMIT, type ApprovalDecision, type QuestionView } from "../../common/approvals/views.ts";
import type { ApprovalBook } from "../approvals/approval-book.ts";
import { findApproval } from "../approvals/find-approval.ts";
import { withApprovalBook, type ApprovalOptions } from "../approvals/open-approval-book.ts";
import { asJson, printApprovals, printQuestion } from "../approvals/print-approvals.ts";
import { tellResult } from "../approvals/tell-result.ts";
import { watchApprovals } from "../approvals/watch-approvals.ts";
import { askAt } from "../budget/ask.ts";
import { withControllerOptions } from "../cluster/controller-options.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { untilInterrupted } from "../interrupted.ts";
import type { Io } from "../io.ts";
import { oneLine } from "../terminal-text.ts";

const HELP = `
Where policy says \`ask\`, a request waits until a person has decided. A yes is
for that request alone, or with --thread for everything of its thread that the
same rule asks about, until it is over or revoked. Nobody who answers in time is
a no. Everything goes on record, with who and why. Whoever answers is told
whether the request really went on.

Without --cluster the proxies of this machine are asked (\`weir up\`, and each
\`weir run\` of the same state directory), through a Unix socket that only its
owner can reach; with it, or with any option that names a cluster, an
installation's controller. An id may be cut short.

Examples:
  weir approvals
  weir approvals watch
  weir approvals allow apr-7k2p9x --why 'agreed with the customer'
  weir approvals allow apr-7k2p9x --thread
  weir approvals deny apr-7k2p9x --why 'not in production'
  weir approvals revoke apr-7k2p9x

Exit code: 0 done, 1 there is no such question, or somebody else or the time was
first, 2 usage, 69 somebody who may know the question does not answer.`;

interface DecideOptions extends ApprovalOptions {
  readonly why?: string;
  readonly thread?: true;
}

export function registerApprovals(program: Command, io: Io): void {
  const approvals = program.command("approvals").alias("approval")
    .summary("answer requests that wait for a person")
    .description("Show what waits for a person, and answer.")
    .addHelpText("after", HELP);
  withPlace(approvals.command("ls", { isDefault: true }).alias("list")).description("List what waits, and what is allowed for threads.")
    .action(async (options: ApprovalOptions) => { await list(options, io); });
  withPlace(approvals.command("show").argument("<id>")).description("Show one question with its details.")
    .action(async (id: string, options: ApprovalOptions) => { await show(id, options, io); });
  withWhy(withPlace(approvals.command("allow").argument("<id>"))).description("Let a request go on.").option("--thread", "and all of its thread that the same rule asks about")
    .action(async (id: string, { thread, why = "", ...options }: DecideOptions) => { await decide(id, { decision: "allow", scope: thread === true ? "thread" : "once", reason: why }, options, io); });
  withWhy(withPlace(approvals.command("deny").argument("<id>"))).description("Refuse a request; the agent is told why.")
    .action(async (id: string, { why = "", ...options }: DecideOptions) => { await decide(id, { decision: "deny", reason: why }, options, io); });
  withWhy(withPlace(approvals.command("revoke").argument("<id>"))).description("Take back what was allowed for a thread; what runs on it ends.")
    .action(async (id: string, options: DecideOptions) => { await revoke(id, options, io); });
  withPlace(approvals.command("watch")).description("Ring for each new question, and ask; -o json prints one a line.")
    .action(async (options: ApprovalOptions) => { await watch(options, io); });
}

function withPlace(command: Command): Command {
  return withControllerOptions(command
    .option("-c, --config <file>", "configuration of this machine; default ./weir.yaml if it exists")
    .option("--cluster", "of a cluster instead of this machine"))
    .addOption(new Option("-A, --all-namespaces", "of every namespace of the cluster"));
}

function withWhy(command: Command): Command {
  return command.option("--why <text>", `for the record, at most ${REASON_LIMIT} characters`, reasonWithin);
}

function reasonWithin(text: string): string {
  if (text.length > REASON_LIMIT) throw new UserError(`the reason has ${text.length} characters, and ${REASON_LIMIT} are recorded at most`, "Say it shorter.", EXIT.usage);
  return text;
}

async function list(options: ApprovalOptions, io: Io): Promise<void> {
  await withApprovalBook(options, io, async (book) => {
    const all = await book.list();
    for (const trouble of all.troubles) io.err(`${oneLine(trouble)}; what waits there is not known`);
    if (all.troubles.length > 0) io.exitWith(EXIT.unavailable);
    if (options.output === "json") return io.out(asJson(all));
    if (all.questions.length + all.threads.length > 0) return printApprovals(all, io, systemClock.nowMs());
    if (all.troubles.length === 0) io.err(`nothing waits for a person on ${book.place}`);
  });
}

async function show(typed: string, options: ApprovalOptions, io: Io): Promise<void> {
  await withApprovalBook(options, io, async (book) => {
    const question = await findQuestion(typed, book);
    if (options.output === "json") io.out(JSON.stringify(question, null, 2));
    else printQuestion(question, io, systemClock.nowMs());
  });
}

async function findQuestion(typed: string, book: ApprovalBook): Promise<QuestionView> {
  const { questions, troubles } = await book.list();
  return findApproval(typed, questions, { what: "question", troubles });
}

async function decide(typed: string, decision: ApprovalDecision, options: ApprovalOptions, io: Io): Promise<void> {
  await withApprovalBook(options, io, async (book) => {
    const { id } = await findQuestion(typed, book);
    const result = await book.decide(id, decision);
    if (options.output === "json") io.out(JSON.stringify({ id, ...result }, null, 2));
    io.exitWith(tellResult(result, io));
  });
}

async function revoke(typed: string, { why = "", ...options }: DecideOptions, io: Io): Promise<void> {
  await withApprovalBook(options, io, async (book) => {
    const { threads, troubles } = await book.list();
    const { id } = findApproval(typed, threads, { what: "approval of a thread", troubles });
    const isRevoked = await book.revoke(id, why);
    if (options.output === "json") io.out(JSON.stringify({ id, revoked: isRevoked }, null, 2));
    else io.err(isRevoked ? "revoked" : "it was gone already");
    if (!isRevoked) io.exitWith(EXIT.failure);
  });
}

async function watch(options: ApprovalOptions, io: Io): Promise<void> {
  const signal = untilInterrupted();
  await withApprovalBook(options, io, async (book) => watchApprovals(book, { io, ask: askAt(), output: options.output, nowMs: () => systemClock.nowMs(), signal }));
}
