import { EgressError } from "../errors.ts";
import type { Identified } from "../model/connection.ts";
import type { Decision } from "../model/decision.ts";
import { recordedAgent, recordedDecision, type NameRecord, type RecordedDecision } from "../model/record.ts";
import type { Noted } from "../policy/hindsight.ts";
import type { Rooms } from "../rooms.ts";
import type { Query } from "./parse-query.ts";
import { typeName } from "./wire.ts";

/** What is known of one query when it ends. */
export interface QueryEnd {
  readonly queryId: string;
  readonly identified: Identified;
  /** Null if the message could not be read. */
  readonly query: Query | null;
  /** The address given; null for none. */
  readonly address: string | null;
  readonly error: EgressError | null;
  /** Null where policy was not asked. What a shadow says of a name is counted, and recorded only if it is there at once: the answer does not wait. */
  readonly decided: { readonly decision: Decision; readonly noted: Noted } | null;
}

/**
 * in: QueryEnd · out: nothing · ends early with: audit.unavailable · next: the answer is sent
 *
 * Every query is recorded before it is answered; an answer that cannot be recorded is not given.
 */
export function noteQuery(end: QueryEnd, rooms: Pick<Rooms, "audit" | "clock" | "metrics">): void {
  if (!rooms.audit.isHealthy) throw new EgressError("audit.unavailable", "the query could not be recorded");
  const outcome = end.error?.outcome ?? "allowed";
  rooms.metrics.nameAnswered(outcome);
  rooms.audit.enqueue(recordOf(end, outcome, rooms.clock.nowMs()));
}

function recordOf({ queryId, identified, query, address, error, decided }: QueryEnd, outcome: NameRecord["outcome"], timeMs: number): NameRecord {
  return {
    kind: "name", timeMs, queryId, connectionId: identified.id, agent: recordedAgent(identified.agent),
    name: query?.name ?? null, type: query === null ? null : typeName(query.type), answer: address, outcome,
    error: error === null ? null : { code: error.code, detail: error.message, ...error.explanation },
    ...(decided === null ? {} : { decision: recordedWith(decided) }),
  };
}

/** A shadow that has not answered by now is left out: the agent waits for this record. */
function recordedWith({ decision, noted }: NonNullable<QueryEnd["decided"]>): RecordedDecision {
  const isShadowDue = noted.pending !== null;
  const { shadow, ...kept } = noted.recorded(null);
  return { ...recordedDecision(decision), ...kept, ...(isShadowDue || shadow === undefined ? {} : { shadow }) };
}
