import { setTimeout as sleep } from "node:timers/promises";
import type { ApprovalDecision, QuestionView } from "../../common/approvals/views.ts";
import type { Ask } from "../budget/ask.ts";
import type { Io } from "../io.ts";
import type { OutputFormat } from "../output-format.ts";
import type { ApprovalBook } from "./approval-book.ts";
import { printQuestion, shortId, whatOf } from "./print-approvals.ts";
import { tellResult } from "./tell-result.ts";

const LOOK_EVERY_MS = 1_000;
const BELL = "\u0007";

export interface WatchContext {
  readonly io: Io;
  readonly ask: Ask;
  readonly output: OutputFormat;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
}

/** Rings for each question that is new, and asks the person at the terminal; without one it prints them as they come. Ends with the signal. */
export async function watchApprovals(book: ApprovalBook, { io, ask, output, nowMs, signal }: WatchContext): Promise<void> {
  const seen = new Set<string>();
  while (!signal.aborted) {
    const { questions } = await book.list();
    for (const question of questions.filter(({ id }) => !seen.has(id))) {
      if (signal.aborted) return;
      seen.add(question.id);
      if (output === "json") io.out(JSON.stringify(question));
      else await put(question, book, { io, ask, nowMs });
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function put(question: QuestionView, book: ApprovalBook, { io, ask, nowMs }: Pick<WatchContext, "io" | "ask" | "nowMs">): Promise<void> {
  if (io.isTerminal) io.err(`${BELL}${io.errColors.yellow("weir:")} a person is asked`);
  printQuestion(question, io, nowMs());
  const said = await ask(`${question.scopes.map((scope) => (scope === "once" ? "[o]nce" : "for the [t]hread")).join(", ")}, [d]eny, or nothing to leave it: `);
  const decision = await decisionOf(said, question, ask);
  if (decision === null) return io.err(`weir approvals allow ${shortId(question, [question])}   # or deny: ${whatOf(question)}`);
  tellResult(await book.decide(question.id, decision), io);
}

/** @returns null for whatever is no answer: nothing is allowed by a slip of a key */
async function decisionOf(said: string | null, { scopes }: QuestionView, ask: Ask): Promise<ApprovalDecision | null> {
  const reason = async () => (await ask("why (may be empty): ") ?? "").slice(0, 1_000);
  if (said === "d" || said === "deny") return { decision: "deny", reason: await reason() };
  const scope = said === "o" || said === "once" ? "once" : said === "t" || said === "thread" ? "thread" : null;
  return scope === null || !scopes.includes(scope) ? null : { decision: "allow", scope, reason: await reason() };
}
