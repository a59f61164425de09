import type { Row } from "../../common/sql/sql-driver.ts";
import type { Demand, Exhaustion, Message, Relation, Sender, StartAttempts, ThreadRow } from "./thread-store.ts";

/** What the drivers hand out, made into the store's types. One driver gives 64-bit numbers as text, the other as numbers. */
export const THREAD_COLUMNS = "uid, namespace, name, agent, owner, parent_uid, created_at_ms, archived_at_ms";
export const MESSAGE_COLUMNS = "id, thread_uid, seq, role, sender, is_for_agent, body, accepted_at_ms, acknowledged_at_ms";

export function threadRow(row: Row): ThreadRow {
  return {
    uid: String(row["uid"]), namespace: String(row["namespace"]), name: String(row["name"]), agent: String(row["agent"]), owner: String(row["owner"]),
    parentUid: typeof row["parent_uid"] === "string" ? row["parent_uid"] : null,
    createdAtMs: Number(row["created_at_ms"]), archivedAtMs: milliseconds(row["archived_at_ms"]),
  };
}

export function messageRow(row: Row): Message {
  return {
    id: String(row["id"]), threadUid: String(row["thread_uid"]), seq: Number(row["seq"]),
    sender: { role: row["role"] as Sender["role"], name: String(row["sender"]) },
    isForAgent: row["is_for_agent"] === true, body: String(row["body"]),
    acceptedAtMs: Number(row["accepted_at_ms"]), acknowledgedAtMs: milliseconds(row["acknowledged_at_ms"]),
  };
}

export function demandRow(row: Row): Demand {
  return {
    threadUid: String(row["uid"]), unread: Number(row["unread"]),
    oldestUnreadMs: milliseconds(row["oldest_unread_ms"]), newestUnreadMs: milliseconds(row["newest_unread_ms"]),
    lastActivityMs: milliseconds(row["last_activity_ms"]), ...exhaustionIn(row),
  };
}

export function attemptsRow(row: Row): StartAttempts {
  return {
    failures: Number(row["failures"]), lastFailureMs: Number(row["last_failure_ms"]),
    reason: String(row["reason"]), fingerprint: String(row["fingerprint"]),
  };
}

export function relationRow(row: Row): Relation {
  return {
    objectKind: row["object_kind"] as Relation["objectKind"], object: String(row["object"]),
    relation: row["relation"] as Relation["relation"], subject: String(row["subject"]),
  };
}

/** Written by the store alone, from what a schema let through. */
function exhaustionIn({ exhaustion }: Row): Pick<Demand, "exhaustion"> {
  return exhaustion === null || exhaustion === undefined ? {} : { exhaustion: exhaustion as Exhaustion };
}

function milliseconds(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}
