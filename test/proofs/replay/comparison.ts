import type { AuditRecord, RecordedShadow } from "../../../proxy/model/record.ts";
import { pastDecision, type Candidate, type PastDecision } from "../../../proxy/operator.ts";

/** As shadow.ts says it. */
const DROPPED = "too many questions waited";

/** A decision as the audit tells it, and how it is found again under the other policy. */
export interface AuditedDecision {
  readonly key: string;
  readonly past: PastDecision;
  /** True if it says that the body was to be read, and could not be. */
  readonly isUnread: boolean;
  readonly shadow: RecordedShadow | null;
}

/** @returns null for a record that tells of no decision */
export function auditedDecision(record: AuditRecord): AuditedDecision | null {
  const past = pastDecision(record);
  if (past === null || record.kind === "lifecycle") return null;
  const what = record.kind === "exchange" ? `${record.method} ${record.host}${record.path}?${record.queryKeys.join("&")}` : `${record.kind} ${past.host}`;
  return { key: `${past.agent} ${what}`, past, isUnread: record.decision?.undecided === "read", shadow: record.decision?.shadow ?? null };
}

/** Holds what was foretold against what happened. */
export class Comparison {
  readonly #happened: ReadonlyMap<string, PastDecision>;
  readonly wrong: string[] = [];
  readonly wrongShadows: string[] = [];
  certain = 0;
  uncertain = 0;
  shadows = 0;
  /** Questions that the shadow was not asked, because it had too many: a busy machine, not a wrong answer. */
  dropped = 0;
  /** Decisions of the shadow where a replay was uncertain: it saw what no record holds. */
  shadowsBeyond = 0;

  constructor(happened: readonly AuditedDecision[]) {
    this.#happened = new Map(happened.map(({ key, past }) => [key, past]));
  }

  async check({ key, past, shadow }: AuditedDecision, candidate: Candidate): Promise<void> {
    const { verdict, rule, doubts } = await candidate.replay(past);
    const happened = this.#happened.get(key) ?? null;
    const isCertain = doubts.length === 0;
    if (isCertain) this.certain += 1;
    else this.uncertain += 1;
    if (isCertain && !fits({ verdict, rule }, happened)) this.wrong.push(`${key}: foretold ${verdict} by ${rule}, happened ${happened?.verdict ?? "nothing"} by ${happened?.rule ?? "?"}`);
    if (shadow?.reason === DROPPED) {
      this.dropped += 1;
      return;
    }
    if (shadow === null || shadow.outcome === "failed") {
      // What no record can tell the shadow cannot either, if it is a body that nobody read.
      if (shadow !== null && verdict !== null) this.wrongShadows.push(`${key}: shadow failed (${shadow.reason}), replay says ${verdict}`);
      return;
    }
    this.shadows += 1;
    if (!isCertain) this.shadowsBeyond += 1;
    if (!fits({ verdict: shadow.outcome, rule: shadow.rule }, happened)) this.wrongShadows.push(`${key}: shadow said ${shadow.outcome} by ${shadow.rule}, happened ${happened?.verdict ?? "nothing"} by ${happened?.rule ?? "?"}`);
  }
}

/** What is denied by its name or connection already never becomes a request. */
function fits(foretold: { readonly verdict: string | null; readonly rule: string | null }, happened: PastDecision | null): boolean {
  if (happened === null) return foretold.verdict === "deny";
  return happened.verdict === foretold.verdict && happened.rule === foretold.rule;
}
