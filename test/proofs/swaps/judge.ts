import type { AuditRecord, RecordedDecision } from "../../../proxy/model/record.ts";

/** A decision is recorded a moment after it was made, and one that was open when the policy changed ends on the one that it was put to. */
const GRACE_MS = 1_000;

interface Reign {
  readonly revision: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** A decision on record, and between when and when it was made. */
interface Decided {
  readonly what: string;
  readonly decision: RecordedDecision | null;
  readonly fromMs: number;
  readonly untilMs: number;
}

/**
 * Every decision on record, of connections, exchanges and names, is of a revision that was in force when it was made, and its rule is of that revision.
 * @returns what is wrong, in sentences, and how many were looked at
 */
export function judgeRecords(records: readonly AuditRecord[], ruleOf: (revision: string) => RegExp): { readonly decisions: number; readonly wrong: readonly string[] } {
  const reigns = new Map(reignsOf(records).map((reign) => [reign.revision, reign]));
  const decided = records.flatMap(decidedOf);
  const wrong = decided.flatMap(({ what, decision, fromMs, untilMs }) => {
    if (decision === null) return [`${what} names no decision`];
    const reign = reigns.get(decision.revision);
    if (reign === undefined) return [`${what} was decided by ${decision.revision}, which never was in force`];
    if (untilMs < reign.fromMs || fromMs > reign.untilMs + GRACE_MS) {
      return [`${what} was decided by ${decision.revision} from ${fromMs} to ${untilMs}, which was in force from ${reign.fromMs} to ${reign.untilMs}`];
    }
    return ruleOf(decision.revision).test(decision.rule) ? [] : [`${what} was decided by ${decision.revision} with the rule ${decision.rule}`];
  });
  return { decisions: decided.length, wrong };
}

/** What ended before anything was decided, because the agent went away, has no decision; what was sent or refused has one. */
function decidedOf(record: AuditRecord): readonly Decided[] {
  const { timeMs } = record;
  if (record.kind === "lifecycle") return [];
  if (record.kind === "name") return record.decision === undefined ? [] : [{ what: `name ${record.queryId}`, decision: record.decision, fromMs: timeMs, untilMs: timeMs }];
  const isSure = record.phase !== "closed" || record.outcome !== "failed";
  if (record.decision === null && (!isSure || record.kind === "connection")) return [];
  const fromMs = record.phase === "closed" ? timeMs - record.durationMs : timeMs;
  const what = record.kind === "exchange" ? `exchange ${record.exchangeId}` : `connection ${record.connectionId}`;
  return [{ what: `${what} (${record.phase})`, decision: record.decision, fromMs, untilMs: timeMs }];
}

function reignsOf(records: readonly AuditRecord[]): readonly Reign[] {
  const loads = records.flatMap((record) => (record.kind === "lifecycle" && record.event === "policy.loaded"
    ? [{ revision: String(record.fields["revision"]), atMs: record.timeMs }] : []));
  return loads.map(({ revision, atMs }, index) => ({ revision, fromMs: atMs, untilMs: loads[index + 1]?.atMs ?? Number.POSITIVE_INFINITY }));
}
