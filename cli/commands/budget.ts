import { Argument, Option, type Command } from "commander";
import { systemClock } from "../../common/clock.ts";
import { adjustBudget, CONFIGURED, type AdjustWish } from "../budget/adjust-budget.ts";
import { askAt } from "../budget/ask.ts";
import { withBook, type BookOptions } from "../budget/open-book.ts";
import { budgetJson, printBudget, printBudgets } from "../budget/print-budgets.ts";
import { readBudget, readBudgets } from "../budget/read-budgets.ts";
import { withControllerOptions } from "../cluster/controller-options.ts";
import type { Io } from "../io.ts";

const HELP = `
Without --cluster the ledger of this machine is read (\`budgets.ledger\` of weir.yaml), whether or not a proxy runs; with it, or with any option that
names a cluster, the ledger of an installation, by its controller. SPENT is what was settled, by all proxies together; HELD is lent to them, for what
is open and a little ahead; LEFT is the rest. What is set, added, reset or approved counts at once, on every node, and goes on record with --why.

Examples:
  weir budget
  weir budget show team-a
  weir budget topup team-a 25 --why 'release night'
  weir budget set team-a 500 --why 'agreed with finance'
  weir budget set team-a ${CONFIGURED} --why 'back to the written limit'
  weir budget ls --cluster -n agents -o json | jq '.budgets[] | {budget, spent: .counts[0].spent}'

Exit code: 0 done, 1 there is no such budget, or it was not done, 2 usage, 69 the ledger does not answer.`;

interface AdjustOptions extends BookOptions {
  readonly for?: string;
  readonly why?: string;
  readonly yes?: true;
}

export function registerBudget(program: Command, io: Io): void {
  const budget = program.command("budget").alias("budgets")
    .summary("show and adjust budgets, on this machine or a cluster")
    .description("Show what budgets allow and what was spent, and adjust them.")
    .addHelpText("after", HELP);
  const show = async (name: string | undefined, options: BookOptions) => (name === undefined ? list(options, io) : showOne(name, options, io));
  withBookOptions(budget.command("ls", { isDefault: true }).alias("list").argument("[name]", "only this one, with each of its counts")).description("List budgets.").action(show);
  withBookOptions(budget.command("show").argument("<name>")).description("Show one budget with each of its counts.").action(show);
  const amount = (text: string) => new Argument("<amount>", text);
  const adjust = (kind: AdjustWish["kind"], says: string) => withAdjustOptions(budget.command(kind).argument("<name>")).description(says);
  adjust("set", "Let another limit count than the configured one, from now on.").addArgument(amount(`dollars, or units of the meter; \`${CONFIGURED}\` for what is written`))
    .action(async (name: string, limit: string, options: AdjustOptions) => { await change({ kind: "set", name, amount: limit }, options, io); });
  adjust("topup", "Add to the limit, in the current window only.").addArgument(amount("dollars, or units of the meter"))
    .action(async (name: string, more: string, options: AdjustOptions) => { await change({ kind: "topup", name, amount: more }, options, io); });
  adjust("reset", "Begin the current window anew at 0; what is open stays held.").option("--yes", "do not ask")
    .action(async (name: string, options: AdjustOptions) => { await change({ kind: "reset", name }, options, io); });
  adjust("approve", "Let spending go on past the threshold that waits.")
    .action(async (name: string, options: AdjustOptions) => { await change({ kind: "approve", name }, options, io); });
}

function withBookOptions(command: Command): Command {
  return withControllerOptions(command
    .option("-c, --config <file>", "configuration of this machine; default ./weir.yaml if it exists")
    .option("--cluster", "of a cluster instead of this machine"))
    .addOption(new Option("-A, --all-namespaces", "of every namespace of the cluster"));
}

function withAdjustOptions(command: Command): Command {
  return withBookOptions(command)
    .option("--why <text>", "for the record; asked for at a terminal")
    .option("--for <who>", "only the count of this namespace, user, agent or thread, as the column FOR says it");
}

async function list(options: BookOptions, io: Io): Promise<void> {
  await withBook(options, io, async (book) => {
    const views = await readBudgets(book);
    if (options.output === "json") return io.out(JSON.stringify(budgetJson(views), null, 2));
    if (views.length === 0) return io.err(`there is no budget on ${book.place}; docs/budgets.md begins with one`);
    printBudgets(views, io, systemClock.nowMs());
  });
}

async function showOne(name: string, options: BookOptions, io: Io): Promise<void> {
  await withBook(options, io, async (book) => {
    const { view } = await readBudget(book, name);
    if (options.output === "json") io.out(JSON.stringify(budgetJson([view]), null, 2));
    else printBudget(view, io, systemClock.nowMs());
  });
}

async function change(wish: Pick<AdjustWish, "kind" | "name" | "amount">, options: AdjustOptions, io: Io): Promise<void> {
  await withBook(options, io, async (book) => {
    const { before, after, why } = await adjustBudget(book, { ...wish, who: options.for, why: options.why, isConfirmed: options.yes === true }, askAt());
    if (options.output === "json") return io.out(JSON.stringify({ why, before: budgetJson([before]), after: budgetJson([after]) }, null, 2));
    printBudget(after, io, systemClock.nowMs());
  });
}
