import { LIST_LIMIT, type ApprovalDecision, type DecisionResult } from "../../common/approvals/views.ts";
import type { Row, SqlDriver, Statements } from "../../common/sql/sql-driver.ts";
import type { ApprovalStore, AskedQuestion, AskingProxy, StoredQuestion } from "./approval-store.ts";
import type { ApprovalsConfig } from "./config.ts";
import type { Post } from "./outbox.ts";
import { QUESTION_COLUMNS, questionRow, readableQuestion } from "./rows.ts";
import { tellAll } from "./signals.ts";
import { allowThread } from "./threads-table.ts";

/** A person's answer that its node has not heard. A yes for a thread holds whatever became of the question. */
const IS_UNHEARD = "(state in ('allowed', 'denied') and not is_heard and scope is distinct from 'thread')";

type Questions = Pick<ApprovalStore, "ask" | "end" | "open" | "get" | "decide" | "forget">;

export function questionsTable(driver: SqlDriver, config: ApprovalsConfig, post: Post): Questions {
  return {
    ask: async (from, questions, nowMs) => driver.transaction(async (statements) => {
      const hasChanged = await endOfPredecessors(statements, from, { post, nowMs });
      const kept: string[] = [];
      for (const question of questions) if (await enter(statements, from, question, { post, nowMs })) kept.push(question.view.id);
      if (hasChanged || questions.length > 0) await tellAll(statements);
      return kept;
    }),
    end: async (from, over, nowMs) => driver.transaction(async (statements) => {
      for (const { id, outcome, delivery } of over) {
        const ended = await statements.query(
          `update approval_questions set state = $3, ended_at_ms = $4, decided_by = null, scope = null
            where id = $1 and node = $2 and state <> $3 and (state = 'open' or ${IS_UNHEARD}) returning ${QUESTION_COLUMNS}`, [id, from.node, outcome, nowMs]);
        await statements.query("update approval_questions set is_heard = true, delivery = coalesce($3, delivery) where id = $1 and node = $2", [id, from.node, delivery]);
        for (const row of ended) await post(statements, `approval.${outcome}`, questionRow(row).view, nowMs);
      }
      await tellAll(statements);
    }),
    open: async (namespace, nowMs) => (await driver.query(
      `select ${QUESTION_COLUMNS} from approval_questions where state = 'open' and expires_at_ms > $1 and ($2::text is null or namespace = $2) order by expires_at_ms, id limit ${LIST_LIMIT}`,
      [nowMs, namespace])).flatMap(readableQuestion),
    get: async (id, nowMs) => questionAt((await driver.query(`select ${QUESTION_COLUMNS} from approval_questions where id = $1`, [id]))[0], nowMs),
    decide: async (id, decision, by, nowMs) => driver.transaction(async (statements) => decide(statements, { id, decision, by, nowMs }, config, post)),
    forget: async (beforeMs) => {
      await driver.query("delete from approval_questions where coalesce(ended_at_ms, expires_at_ms) < $1", [beforeMs]);
      await driver.query("delete from thread_approvals where coalesce(revoked_at_ms, expires_at_ms) < $1", [beforeMs]);
    },
  };
}

interface Telling {
  readonly post: Post;
  readonly nowMs: number;
}

/** Nobody waits any more for what earlier processes of the node asked, and nobody will say what came of the answers to it. @returns whether there was any */
async function endOfPredecessors(statements: Statements, { node, proxy, startedAtMs }: AskingProxy, { post, nowMs }: Telling): Promise<boolean> {
  const stale = await statements.query(
    `update approval_questions set state = 'withdrawn', ended_at_ms = $3, is_heard = true
      where node = $1 and proxy <> $2 and started_at_ms < $4 and state = 'open' returning ${QUESTION_COLUMNS}`, [node, proxy, nowMs, startedAtMs]);
  for (const row of stale) await post(statements, "approval.withdrawn", questionRow(row).view, nowMs);
  const lost = await statements.query(
    `update approval_questions set delivery = 'lost', is_heard = true
      where node = $1 and proxy <> $2 and started_at_ms < $3 and state in ('allowed', 'denied') and delivery is null returning id`, [node, proxy, startedAtMs]);
  return stale.length + lost.length > 0;
}

/** @returns whether people can answer it, or have answered it */
async function enter(statements: Statements, from: AskingProxy, { view, threadUid }: AskedQuestion, { post, nowMs }: Telling): Promise<boolean> {
  const { id, agent: { namespace }, isWaiting, scopes } = view;
  const [found] = await statements.query(
    "select state from approval_questions where id = $1 and node = $2 and proxy = $3 and namespace = $4 and thread_uid is not distinct from $5 for update",
    [id, from.node, from.proxy, namespace, threadUid]);
  if (found !== undefined) {
    // Whoever may answer is who may answer what was entered: of all that it says only this can change.
    const changes = JSON.stringify({ isWaiting, scopes });
    await statements.query("update approval_questions set view = view || $2::jsonb where id = $1 and state = 'open'", [id, changes]);
    return ["open", "allowed", "denied"].includes(String(found["state"]));
  }
  const entered = await statements.query(
    `insert into approval_questions (id, node, proxy, started_at_ms, namespace, thread_uid, rule, view, expires_at_ms) values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9)
      on conflict (id) do nothing returning id`, [id, from.node, from.proxy, from.startedAtMs, namespace, threadUid, view.rule, JSON.stringify(view), view.expiresAtMs]);
  if (entered.length > 0) await post(statements, "approval.asked", view, nowMs);
  return entered.length > 0;
}

interface Answer {
  readonly id: string;
  readonly decision: ApprovalDecision;
  readonly by: string;
  readonly nowMs: number;
}

/** The row is locked: of two people who answer at once one is first. */
async function decide(statements: Statements, { id, decision, by, nowMs }: Answer, config: ApprovalsConfig, post: Post): Promise<DecisionResult> {
  const question = questionAt((await statements.query(`select ${QUESTION_COLUMNS} from approval_questions where id = $1 for update`, [id]))[0], nowMs);
  if (question === null) return { result: "unknown", outcome: null, by: null };
  const { state, view } = question;
  if (state !== "open") return { result: "late", outcome: state, by: question.by };
  const scope = decision.decision === "allow" ? decision.scope : null;
  if (scope !== null && !view.scopes.includes(scope)) return { result: "unfit", outcome: null, by: null };
  const outcome = scope === null ? "denied" : "allowed";
  await statements.query(
    "update approval_questions set state = $2, scope = $3, decided_by = $4, reason = $5, ended_at_ms = $6 where id = $1", [id, outcome, scope, by, decision.reason, nowMs]);
  if (scope === "thread") await allowThread(statements, { question, by, reason: decision.reason, nowMs }, config);
  await post(statements, `approval.${outcome}`, view, nowMs);
  await tellAll(statements);
  return { result: "done", outcome, by };
}

/** One whose time is over is expired, whether or not its node has said so. */
function questionAt(row: Row | undefined, nowMs: number): StoredQuestion | null {
  if (row === undefined) return null;
  const question = questionRow(row);
  return question.state === "open" && question.view.expiresAtMs <= nowMs ? { ...question, state: "expired" } : question;
}
