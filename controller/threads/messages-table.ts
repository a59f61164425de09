import { randomUUID } from "node:crypto";
import type { SqlDriver, Statements } from "../../common/sql/sql-driver.ts";
import { takeRoom, type RoomLimits } from "./room.ts";
import { MESSAGE_COLUMNS, messageRow } from "./rows.ts";
import { notify } from "./signals.ts";
import { BODY_LIMIT_BYTES, MessageUnfit, MessageUnknown, ThreadGone, type Message, type NewMessage, type ThreadStore } from "./thread-store.ts";

type Messages = Pick<ThreadStore, "post" | "pending" | "acknowledge" | "messages">;

export function messagesTable(driver: SqlDriver, limits: RoomLimits): Messages {
  return {
    post: async (threadUid, message, nowMs) => {
      requireFit(message.body);
      return driver.transaction(async (statements) => post(statements, { threadUid, message, nowMs }, limits));
    },
    pending: async (threadUid, limit) => (await driver.query(
      `select ${MESSAGE_COLUMNS} from messages where thread_uid = $1 and is_for_agent and acknowledged_at_ms is null order by seq limit $2`,
      [threadUid, limit])).map(messageRow),
    acknowledge: async (threadUid, messageId, nowMs) => driver.transaction(async (statements) => acknowledge(statements, { threadUid, messageId, nowMs })),
    messages: async (threadUid, { afterSeq, limit }) => (await driver.query(
      `select ${MESSAGE_COLUMNS} from messages where thread_uid = $1 and seq > $2 order by seq limit $3`, [threadUid, afterSeq, limit])).map(messageRow),
  };
}

interface Posting {
  readonly threadUid: string;
  readonly message: NewMessage;
  readonly nowMs: number;
}

/** The lock on the thread's row gives the messages of a thread one order, and makes two with the same key meet. */
async function post(statements: Statements, { threadUid, message, nowMs }: Posting, limits: RoomLimits): Promise<{ message: Message; isNew: boolean }> {
  const [thread] = await statements.query("select last_seq, namespace, bytes from threads where uid = $1 and archived_at_ms is null for update", [threadUid]);
  if (thread === undefined) throw new ThreadGone(`thread ${threadUid} is archived or was never there`);
  const [known] = message.key === null ? []
    : await statements.query(`select ${MESSAGE_COLUMNS} from messages where thread_uid = $1 and key = $2`, [threadUid, message.key]);
  if (known !== undefined) return { message: messageRow(known), isNew: false };
  const seq = Number(thread["last_seq"]) + 1;
  const bytes = await takeRoom(statements, message.body, { namespace: String(thread["namespace"]), bytes: Number(thread["bytes"]) }, limits);
  const [row] = await statements.query(
    `insert into messages (thread_uid, seq, id, role, sender, is_for_agent, body, key, accepted_at_ms)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning ${MESSAGE_COLUMNS}`,
    [threadUid, seq, randomUUID(), message.sender.role, message.sender.name, message.isForAgent, message.body, message.key, nowMs]);
  await statements.query(
    "update threads set last_seq = $2, bytes = $4, last_activity_ms = greatest(coalesce(last_activity_ms, 0), $3) where uid = $1", [threadUid, seq, nowMs, bytes]);
  await notify(statements, threadUid);
  if (row === undefined) throw new Error("an insert returned no row");
  return { message: messageRow(row), isNew: true };
}

interface Acknowledging {
  readonly threadUid: string;
  readonly messageId: string;
  readonly nowMs: number;
}

async function acknowledge(statements: Statements, { threadUid, messageId, nowMs }: Acknowledging): Promise<number> {
  const [message] = await statements.query("select seq from messages where thread_uid = $1 and id = $2 and is_for_agent", [threadUid, messageId]);
  if (message === undefined) throw new MessageUnknown(`no message ${messageId} for the agent in thread ${threadUid}`);
  const acknowledged = await statements.query(
    "update messages set acknowledged_at_ms = $3 where thread_uid = $1 and seq <= $2 and is_for_agent and acknowledged_at_ms is null returning seq",
    [threadUid, message["seq"], nowMs]);
  await statements.query("update threads set last_activity_ms = greatest(coalesce(last_activity_ms, 0), $2) where uid = $1", [threadUid, nowMs]);
  if (acknowledged.length > 0) await notify(statements, threadUid);
  return acknowledged.length;
}

function requireFit(body: string): void {
  if (Buffer.byteLength(body) > BODY_LIMIT_BYTES) throw new MessageUnfit(`a message has at most ${BODY_LIMIT_BYTES} bytes of UTF-8`);
  if (body.includes("\0") || !body.isWellFormed()) throw new MessageUnfit("a message is text: no NUL, no half of a surrogate pair");
}
