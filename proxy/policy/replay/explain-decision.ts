import type { AuditRecord } from "../../model/record.ts";
import type { PersonAsked } from "../person-asked.ts";
import { entryOf, FINAL_RULES, smallestEntry } from "../smallest-entry.ts";
import { isShippedLibrary } from "../shipped-files.ts";
import { askingEntries, personAsked, regoThatAsks } from "./asking-entries.ts";
import { candidateOf, withEntries, type CandidateOptions, type ReadPolicy } from "./candidate.ts";
import { considered, type Considered } from "./considered.ts";
import { packAdvice } from "./pack-advice.ts";
import { pastDecision, type PastVerdict, type Replayed } from "./past-decision.ts";

/** What can be said of a recorded decision by asking a policy again. */
export interface DecisionExplanation {
  readonly input: Readonly<Record<string, unknown>>;
  /** Places that are absent or shortened in it. */
  readonly redacted: readonly string[];
  /** What the policy says of it now; no verdict where what it looks at is not recorded. */
  readonly now: { readonly revision: string; readonly verdict: PastVerdict | null; readonly rule: string | null; readonly doubts: readonly string[] };
  /** Each entry that speaks of the destination, alone; null where the data of the policy are not at hand. */
  readonly considered: readonly Considered[] | null;
  /** What is said with the smallest entry behind the others; null where there is none, or the data are not at hand. */
  readonly withEntry: PastVerdict | "not known" | null;
}

/**
 * Whether the smallest entry for a refusal would go past a person whom the policy asks.
 * @returns null if it would not, or there is none; undefined where nobody knows, because Rego may ask
 */
export async function personBehind(record: AuditRecord, policy: ReadPolicy): Promise<PersonAsked | null | undefined> {
  const asked = personByEntries(record, policy);
  const mayAsk = policy.folder === null ? !await isShippedLibrary(policy.bundle.wasm) : regoThatAsks(policy.folder).length > 0;
  return asked === null && mayAsk ? undefined : asked;
}

function personByEntries(record: AuditRecord, policy: ReadPolicy): PersonAsked | null {
  const data = smallestEntry(record);
  if (data === null || record.kind === "lifecycle") return null;
  const host = record.kind === "name" ? record.name : record.host;
  return personAsked(askingEntries(policy, host ?? ""), entryOf(data), record.error?.rule ?? null);
}

/** What packs have to do with a refusal. */
export async function adviceFor(record: AuditRecord, { folder }: ReadPolicy): Promise<string[]> {
  if (record.kind === "lifecycle" || record.error?.rule === undefined) return [];
  const host = (record.kind === "name" ? record.name : record.host) ?? "";
  const data = smallestEntry(record);
  return packAdvice(folder?.taken ?? [], { host, rule: record.error.rule, operation: data === null ? {} : entryOf(data) });
}

/** Asks a policy about a recorded decision. @returns null for a record that tells of none, or keeps no input */
export async function explainDecision(record: AuditRecord, policy: ReadPolicy, options: CandidateOptions): Promise<DecisionExplanation | null> {
  const past = pastDecision(record);
  if (past?.input === null || past === null) return null;
  const { verdict, rule, doubts } = certain(await (await candidateOf(policy, options)).replay(past));
  const { folder } = policy;
  return {
    input: past.input as unknown as Readonly<Record<string, unknown>>, redacted: past.redacted.map(({ text }) => text),
    now: { revision: policy.bundle.revision, verdict, rule, doubts },
    considered: folder === null ? null : await considered(folder.data, past),
    withEntry: folder === null ? null : await withSmallestEntry(record, { ...policy, folder }, options),
  };
}

/** A verdict that hangs on what is not recorded is none. */
function certain(replayed: Replayed): Pick<Replayed, "verdict" | "rule" | "doubts"> {
  return replayed.doubts.length === 0 ? replayed : { verdict: null, rule: null, doubts: replayed.doubts };
}

async function withSmallestEntry(record: AuditRecord, policy: Parameters<typeof withEntries>[0], options: CandidateOptions): Promise<DecisionExplanation["withEntry"]> {
  const past = pastDecision(record);
  const data = past?.verdict === "deny" && !FINAL_RULES.has(past.rule) ? smallestEntry(record, personByEntries(record, policy)) : null;
  if (past === null || data === null) return null;
  return certain(await (await candidateOf(withEntries(policy, data), options)).replay(past)).verdict ?? "not known";
}
