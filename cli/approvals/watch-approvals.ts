import { setTimeout as sleep } from "node:timers/promises";
import type { ApprovalDecision, QuestionView } from "../../common/approvals/views.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Ask } from "../budget/ask.ts";
import type { Io } from "../io.ts";
import type { OutputFormat } from "../output-format.ts";
import { fitted, oneLine } from "../terminal-text.ts";
import type { ApprovalBook, BookList } from "./approval-book.ts";
import { printQuestion, shortId, whatOf } from "./print-approvals.ts";
import { tellResult } from "./tell-result.ts";

const LOOK_EVERY_MS = 1_000;
const BELL = "\u0007";
const WHAT_WIDTH = 60;

export interface WatchContext {
  readonly io: Io;
  readonly ask: Ask;
  readonly output: OutputFormat;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
}

/** Rings for each question that is new, and asks the person at the terminal; without one it prints them as they come. Ends with the signal. */
export async function watchApprovals(book: ApprovalBook, context: WatchContext): Promise<void> {
  const { io, output, signal } = context;
  const seen = new Set<string>();
  const tell = tellOnce(io);
  for (let look = await book.list(); !signal.aborted; look = await lookAgain(book)) {
    tell(look.troubles);
    for (const question of look.questions.filter(({ id }) => !seen.has(id))) {
      if (signal.aborted) return;
      seen.add(question.id);
      if (output === "json") io.out(JSON.stringify(question));
      else await put(question, book, context);
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Whoever watches goes on watching through an outage: it is a trouble like one of a single proxy. */
async function lookAgain(book: ApprovalBook): Promise<BookList> {
  try {
    return await book.list();
  } catch (error) {
    return { questions: [], threads: [], troubles: [describeError(error)] };
  }
}

/** @returns what says troubles when they begin, not at each look */
function tellOnce(io: Io): (troubles: readonly string[]) => void {
  let known: readonly string[] = [];
  return (troubles) => {
    for (const trouble of troubles.filter((one) => !known.includes(one))) io.err(oneLine(trouble));
    known = troubles;
  };
}

async function put(question: QuestionView, book: ApprovalBook, { io, ask, nowMs }: Pick<WatchContext, "io" | "ask" | "nowMs">): Promise<void> {
  if (io.isTerminal) io.err(`${BELL}${io.errColors.yellow("weir:")} a person is asked`);
  printQuestion(question, io, nowMs());
  const said = await ask(`${question.scopes.map((scope) => (scope === "once" ? "[o]nce" : "for the [t]hread")).join(", ")}, [d]eny, or nothing to leave it: `);
  const decision = await decisionOf(said, question, ask);
  if (decision === null) return io.err(`weir approvals allow ${shortId(question, [question])}   # or deny: ${fitted(whatOf(question), WHAT_WIDTH)}`);
  tellResult(await book.decide(question.id, decision), io);
}

/** @returns null for whatever is no answer: nothing is allowed by a slip of a key */
async function decisionOf(said: string | null, { scopes }: QuestionView, ask: Ask): Promise<ApprovalDecision | null> {
  const reason = async () => (await ask("why (may be empty): ") ?? "").slice(0, 1_000);
  if (said === "d" || said === "deny") return { decision: "deny", reason: await reason() };
  const scope = said === "o" || said === "once" ? "once" : said === "t" || said === "thread" ? "thread" : null;
  return scope === null || !scopes.includes(scope) ? null : { decision: "allow", scope, reason: await reason() };
}
