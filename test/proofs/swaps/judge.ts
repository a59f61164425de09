import type { AuditRecord, LifecycleRecord, RecordedDecision } from "../../../proxy/model/record.ts";

/** A decision is recorded a moment after it was made, and one that was open when the policy changed ends on the one that it was put to. */
const GRACE_MS = 1_000;

interface Reign {
  readonly revision: string;
  readonly fromMs: number;
  untilMs: number;
}

/** A decision on record, and between when and when it was made. */
interface Decided {
  readonly what: string;
  readonly decision: RecordedDecision | null;
  readonly fromMs: number;
  readonly untilMs: number;
}

/**
 * Every decision on record, of connections, exchanges and names, is of a revision that was in force when it was made, and its rule is of that revision. Records
 * are judged as they come and not kept: hundreds of thousands would be taken for the memory of the proxy.
 */
export class Judge {
  readonly lifecycle: LifecycleRecord[] = [];
  readonly wrong: string[] = [];
  readonly #ruleOf: (revision: string) => RegExp;
  readonly #reigns = new Map<string, Reign>();
  #latest: Reign | null = null;
  /** One turn behind, so that what is on record a moment before its revision is, is judged after it. */
  #waiting: readonly Decided[] = [];
  #decisions = 0;

  constructor(ruleOf: (revision: string) => RegExp) {
    this.#ruleOf = ruleOf;
  }

  get decisions(): number {
    return this.#decisions;
  }

  /** @param records in their order; taken out of the list */
  take(records: AuditRecord[]): void {
    const taken = records.splice(0);
    for (const record of taken) if (record.kind === "lifecycle") this.#note(record);
    for (const decided of this.#waiting) this.#judge(decided);
    this.#waiting = taken.flatMap(decidedOf);
    this.#decisions += this.#waiting.length;
  }

  #note(record: LifecycleRecord): void {
    this.lifecycle.push(record);
    if (record.event !== "policy.loaded") return;
    if (this.#latest !== null) this.#latest.untilMs = record.timeMs;
    this.#latest = { revision: String(record.fields["revision"]), fromMs: record.timeMs, untilMs: Number.POSITIVE_INFINITY };
    this.#reigns.set(this.#latest.revision, this.#latest);
  }

  #judge({ what, decision, fromMs, untilMs }: Decided): void {
    const reign = decision === null ? undefined : this.#reigns.get(decision.revision);
    if (decision === null) this.wrong.push(`${what} names no decision`);
    else if (reign === undefined) this.wrong.push(`${what} was decided by ${decision.revision}, which never was in force`);
    else if (untilMs < reign.fromMs || fromMs > reign.untilMs + GRACE_MS) {
      this.wrong.push(`${what} was decided by ${decision.revision} from ${fromMs} to ${untilMs}, which was in force from ${reign.fromMs} to ${reign.untilMs}`);
    } else if (!this.#ruleOf(decision.revision).test(decision.rule)) this.wrong.push(`${what} was decided by ${decision.revision} with the rule ${decision.rule}`);
  }
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
