import { stringify } from "yaml";
import { ERROR_TABLE } from "../errors.ts";
import type { AuditRecord, ExchangeRecord, RecordedDecision } from "../model/record.ts";
import { opensOf } from "./entry-opens.ts";
import type { PersonAsked } from "./person-asked.ts";
import { entryOf, FINAL_RULES, smallestEntry } from "./smallest-entry.ts";

/** Why something ended as it did, and the smallest change that would have allowed it. */
export interface RecordExplanation {
  readonly outcome: string;
  readonly rule: string | null;
  readonly reason: string;
  readonly hint: string | null;
  /** YAML for `data.yaml` that allows this and as little else as can be written; null where data cannot allow it. */
  readonly entry: string | null;
  /** All that the entry allows beyond this, in words. */
  readonly opens: readonly string[];
  /** The same for reading. */
  readonly lines: readonly string[];
}

/**
 * Explains one record of the audit. Pure; works on records of any age.
 * @param asked the person whom the smallest entry would go past, null if it would not; left out where no policy is at hand that could tell, or Rego may ask
 */
export function explainRecord(record: AuditRecord, asked?: PersonAsked | null): RecordExplanation {
  const error = "error" in record ? record.error : null;
  const rule = error?.rule ?? ("decision" in record ? record.decision?.rule : undefined) ?? null;
  const reason = error?.reason ?? (error === null ? "it was allowed" : ERROR_TABLE[error.code].says);
  const hint = error?.hint ?? null;
  const data = error?.code === "policy.denied" && rule !== null && !FINAL_RULES.has(rule) ? smallestEntry(record, asked) : null;
  const entry = data === null ? null : stringify(data);
  const opens = data === null ? [] : opensOf(entryOf(data));
  const lines = [
    `${subjectOf(record)}: ${record.outcome}`,
    ...(rule === null ? [] : [`rule:    ${rule}`]),
    `reason:  ${reason}`,
    ...(error === null || error.reason !== undefined || error.detail === "" ? [] : [`detail:  ${error.detail}`]),
    ...(hint === null || hint === "" ? [] : [`hint:    ${hint}`]),
    ...decisionLines("decision" in record ? record.decision ?? null : null),
    ...maskedLines(record),
    ...personLines(error?.code === "policy.denied" ? asked ?? null : null),
    ...(entry === null ? [] : ["", `The smallest entry of data.yaml that allows it (${asked === undefined ? UNTOLD : TOLD}):`, ...entry.trimEnd().split("\n")]),
    ...opens.map((open) => `# it also opens ${open}`),
  ];
  return { outcome: record.outcome, rule, reason, hint, entry, opens, lines };
}

const TOLD = "unless an entry with `effect: deny` stands against it";
const UNTOLD = "unless an entry with `effect: deny` stands against it, or one with `effect: ask`, or Rego that asks: do not go past a person";

/** A person is never worked around. */
function personLines(asked: PersonAsked | null): string[] {
  if (asked === null) return [];
  if (asked.kind === "carried") return ["", `Rule ${asked.rule} asks a person, so this asks too:`];
  return ["", `Rule ${asked.rule} asks a person about this, and what it sets did not hold. Change that entry if it shall cover this as well: one beside it would go past the person.`];
}

/** Who decided beside the policy, and who would have decided otherwise. */
function decisionLines(decision: RecordedDecision | null): string[] {
  const { approval, shadow } = decision ?? {};
  const because = (reason = "") => (reason === "" ? "" : `: ${reason}`);
  return [
    ...(approval === undefined ? [] : [`person:  ${approval.outcome}${approval.by === null ? "" : ` by ${approval.by}`}${because(approval.reason)}`]),
    ...(shadow === undefined ? [] : [`shadow:  ${shadow.outcome}${shadow.rule === null ? "" : ` by rule ${shadow.rule}`} (revision ${shadow.revision})${because(shadow.reason)}`]),
  ];
}

/** What a destination showed of lent secrets, which the agent did not see. */
function maskedLines(record: AuditRecord): string[] {
  if (record.kind !== "exchange") return [];
  return record.redactions.map(({ reference, place, count }) => {
    const where = place === "frame" ? "WebSocket frames" : `the ${place}`;
    return `masked:  ${reference}, ${count === 1 ? "once" : `${count} times`} in ${where} of the answer`;
  });
}

function subjectOf(record: AuditRecord): string {
  switch (record.kind) {
    case "exchange": return `${record.method ?? "?"} ${record.scheme ?? "?"}://${record.host ?? "?"}${withPort(record)}${record.path ?? ""}`;
    case "connection": return `connection to ${record.host ?? "an unknown destination"}${record.port === null ? "" : ` port ${record.port}`}`;
    case "name": return `name ${record.name ?? "?"} (${record.type ?? "?"})`;
    case "lifecycle": return record.event;
  }
}

function withPort({ scheme, port }: ExchangeRecord): string {
  const isUsual = port === null || (scheme === "https" && port === 443) || (scheme === "http" && port === 80);
  return isUsual ? "" : `:${port}`;
}
