import type { AuditRecord } from "../../model/record.ts";
import { FINAL_RULES, smallestEntry } from "../smallest-entry.ts";
import { candidateOf, withEntries, type CandidateOptions, type ReadPolicy } from "./candidate.ts";
import { considered, type Considered } from "./considered.ts";
import { pastDecision } from "./past-decision.ts";

/** What can be said of a recorded decision by asking a policy again. */
export interface DecisionExplanation {
  readonly input: Readonly<Record<string, unknown>>;
  /** Places that are absent or shortened in it. */
  readonly redacted: readonly string[];
  /** What the policy says of it now. */
  readonly now: { readonly revision: string; readonly verdict: string | null; readonly rule: string | null; readonly doubts: readonly string[] };
  /** Each entry that speaks of the destination, alone; null where the data of the policy are not at hand. */
  readonly considered: readonly Considered[] | null;
  /** Whether the smallest entry, put behind the others, allows it; null where there is none, or the data are not at hand. */
  readonly entryAllows: boolean | null;
}

/** Asks a policy about a recorded decision. @returns null for a record that tells of none, or keeps no input */
export async function explainDecision(record: AuditRecord, policy: ReadPolicy, options: CandidateOptions): Promise<DecisionExplanation | null> {
  const past = pastDecision(record);
  if (past?.input === null || past === null) return null;
  const { verdict, rule, doubts } = await (await candidateOf(policy, options)).replay(past);
  const { folder } = policy;
  return {
    input: past.input as unknown as Readonly<Record<string, unknown>>, redacted: past.redacted.map(({ text }) => text),
    now: { revision: policy.bundle.revision, verdict, rule, doubts },
    considered: folder === null ? null : await considered(folder.data, past.question, past.input),
    entryAllows: folder === null ? null : await entryAllows(record, { ...policy, folder }, options),
  };
}

async function entryAllows(record: AuditRecord, policy: Parameters<typeof withEntries>[0], options: CandidateOptions): Promise<boolean | null> {
  const past = pastDecision(record);
  const data = past?.verdict === "deny" && !FINAL_RULES.has(past.rule) ? smallestEntry(record) : null;
  if (past === null || data === null) return null;
  const { verdict } = await (await candidateOf(withEntries(policy, data), options)).replay(past);
  return verdict === "allow";
}
