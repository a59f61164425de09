import type { AuditRecord, RecordedDecision } from "../../model/record.ts";
import { readPlace, type Step } from "../places.ts";
import type { PolicyInput, Question } from "../policy-engine.ts";

export type PastVerdict = "allow" | "deny" | "ask";

/** A decision of policy as the audit tells it. */
export interface PastDecision {
  /** As the agent was told it. */
  readonly id: string;
  readonly timeMs: number;
  readonly question: Question;
  /** `namespace/name` */
  readonly agent: string;
  readonly host: string;
  /** For people: `POST https://api.example.com/v1`. */
  readonly subject: string;
  /** Null where policy came to none: it wanted to read the body, and that failed. */
  readonly verdict: PastVerdict | null;
  readonly rule: string;
  readonly revision: string;
  /** Null where the record is of a time, or of a setting, that kept none. */
  readonly input: PolicyInput | null;
  /** Places of the input that are absent or shortened. */
  readonly redacted: readonly Redacted[];
}

export interface Redacted {
  readonly text: string;
  /** Null for what is no place of the input: further parts of a body. */
  readonly steps: readonly Step[] | null;
}

/** What another policy would have decided. */
export interface Replayed {
  readonly past: PastDecision;
  /** Null where it cannot be told. */
  readonly verdict: PastVerdict | null;
  readonly rule: string | null;
  /** Why the verdict is uncertain, or why there is none; empty where it is certain. */
  readonly doubts: readonly string[];
}

/** Rules of the boundary itself, which a policy has no part in. */
export const NOT_OF_POLICY: ReadonlySet<string> = new Set(["agents.unknown", "grants.not-held"]);
const PARTS = "input.parts";

/** Why nobody knows whether anything would be otherwise; empty where policy came to a verdict. */
export function doubtsOf({ verdict }: PastDecision): readonly string[] {
  return verdict === null ? ["the policy in force wanted to read its body, and that failed"] : [];
}

/** The decision that a record tells of; null for a record that tells of none, or of one that another record tells of too. */
export function pastDecision(record: AuditRecord): PastDecision | null {
  if (record.kind === "lifecycle" || record.agent === null || ("phase" in record && record.phase !== "closed")) return null;
  const { decision } = record;
  if (decision === null || decision === undefined) return null;
  const { namespace, name } = record.agent;
  return {
    ...subjectOf(record), timeMs: record.timeMs, agent: `${namespace}/${name}`,
    verdict: verdictOf(decision, record.error?.code), rule: decision.rule, revision: decision.revision,
    input: decision.input === undefined || decision.input.redacted.includes("input") ? null : decision.input.input as unknown as PolicyInput,
    redacted: (decision.input?.redacted ?? []).map((text) => ({ text, steps: text === PARTS ? null : readPlace(text) })),
  };
}

/** What a shadow said of a decision when it was made; null where none was asked. */
export function shadowOf(record: AuditRecord): Replayed | null {
  const past = pastDecision(record);
  const shadow = record.kind === "lifecycle" ? undefined : record.decision?.shadow;
  if (past === null || shadow === undefined) return null;
  const { outcome, rule, reason } = shadow;
  return outcome === "failed" ? { past, verdict: null, rule: null, doubts: [reason ?? "it failed"] } : { past, verdict: outcome, rule, doubts: doubtsOf(past) };
}

function verdictOf({ allowed, approval, undecided }: RecordedDecision, code: string | undefined): PastVerdict | null {
  if (approval !== undefined || undecided === "ask" || code?.startsWith("approval.") === true) return "ask";
  if (undecided === "read") return null;
  return allowed ? "allow" : "deny";
}

function subjectOf(record: Exclude<AuditRecord, { kind: "lifecycle" }>): Pick<PastDecision, "id" | "question" | "host" | "subject"> {
  switch (record.kind) {
    case "exchange": {
      const host = record.host ?? "?";
      return { id: record.exchangeId, question: "exchange", host, subject: `${record.method ?? "?"} ${record.scheme ?? "?"}://${host}${record.path ?? ""}` };
    }
    case "connection": return { id: record.connectionId, question: "connection", host: record.host ?? "?", subject: `connection to ${record.host ?? "?"} port ${record.port ?? "?"}` };
    case "name": return { id: record.queryId, question: "name", host: record.name ?? "?", subject: `name ${record.name ?? "?"} (${record.type ?? "?"})` };
  }
}
