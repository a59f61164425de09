import type { AuditRecord } from "../../../proxy/model/record.ts";

/** A decision is recorded a moment after it was made, and one that was open when the policy changed ends on the one that it was put to. */
const GRACE_MS = 1_000;

interface Reign {
  readonly revision: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

/**
 * Every decision on record is of a revision that was in force when it was made, and its rule is of that revision.
 * @returns what is wrong, in sentences, and how many were looked at
 */
export function judgeRecords(records: readonly AuditRecord[], ruleOf: (revision: string) => RegExp): { readonly decisions: number; readonly wrong: readonly string[] } {
  const reigns = reignsOf(records);
  const decided = records.flatMap((record) => (record.kind === "exchange" && record.phase === "decided" ? [record] : []));
  const wrong = decided.flatMap(({ decision, timeMs, exchangeId }) => {
    if (decision === null) return [`exchange ${exchangeId} names no decision`];
    const reign = reigns.find(({ revision }) => revision === decision.revision);
    if (reign === undefined) return [`exchange ${exchangeId} was decided by ${decision.revision}, which never was in force`];
    if (timeMs < reign.fromMs || timeMs > reign.untilMs + GRACE_MS) {
      return [`exchange ${exchangeId} was decided by ${decision.revision} at ${timeMs}, which was in force from ${reign.fromMs} to ${reign.untilMs}`];
    }
    return ruleOf(decision.revision).test(decision.rule) ? [] : [`exchange ${exchangeId} was decided by ${decision.revision} with the rule ${decision.rule}`];
  });
  return { decisions: decided.length, wrong };
}

function reignsOf(records: readonly AuditRecord[]): readonly Reign[] {
  const loads = records.flatMap((record) => (record.kind === "lifecycle" && record.event === "policy.loaded"
    ? [{ revision: String(record.fields["revision"]), atMs: record.timeMs }] : []));
  return loads.map(({ revision, atMs }, index) => ({ revision, fromMs: atMs, untilMs: loads[index + 1]?.atMs ?? Number.POSITIVE_INFINITY }));
}
