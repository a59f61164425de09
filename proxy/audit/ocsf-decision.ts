import * as z from "zod";
import { APPROVAL_SCOPES } from "../model/decision.ts";
import type { RecordedAgent, RecordedApproval, RecordedDecision, RecordedInput, RecordedShadow } from "../model/record.ts";
import { clip } from "./ocsf-parts.ts";

/** Places that a record names; keep-input.ts names no more. */
const PLACES_LIMIT = 128;

/**
 * `unmapped.weir.policy_input`: what policy was asked, as JSON in a text. An agent chooses names in it, and an event has none as a key: as a text it is
 * canonical wherever it stands. What the event says elsewhere of the agent is not said again.
 */
export function writtenInput(decision: RecordedDecision | null | undefined): string | undefined {
  if (decision?.input === undefined) return undefined;
  const { version: _, agent, ...rest } = decision.input.input;
  const labels = isFields(agent) && isFields(agent["labels"]) ? agent["labels"] : {};
  return JSON.stringify(Object.keys(labels).length === 0 ? rest : { labels, ...rest }).toWellFormed();
}

/** `unmapped.weir.policy_input_redacted`: places that are absent or shortened in it. */
export function writtenPlaces(decision: RecordedDecision | null | undefined): readonly string[] | undefined {
  return decision?.input?.redacted.slice(0, PLACES_LIMIT).map((place) => clip(place, 256) ?? "");
}

/** `unmapped.weir.shadow`: what a second policy would have decided. */
export function writtenShadow(decision: RecordedDecision | null | undefined) {
  if (decision?.shadow === undefined) return undefined;
  const { outcome, reason, revision, rule } = decision.shadow;
  return { outcome, reason: clip(reason, 200), revision: clip(revision, 255), rule: clip(rule, 255) };
}

/** `unmapped.weir.approval`: who decided what policy left to people. */
export function writtenApproval(decision: RecordedDecision | null | undefined) {
  if (decision?.approval === undefined) return undefined;
  const { by, id, outcome, reason, scope, waitedMs } = decision.approval;
  return { by: clip(by, 255), id, outcome, reason: clip(reason, 1_000) ?? "", scope: scope ?? undefined, waited_ms: Math.round(waitedMs) };
}

/** The same as it is read. */
export const decisionShape = {
  approval: z.strictObject({
    by: z.string().optional(), id: z.string(), outcome: z.enum(["allowed", "denied", "expired"]), reason: z.string(), scope: z.enum(APPROVAL_SCOPES).optional(), waited_ms: z.number(),
  }).optional(),
  policy_input: z.string().max(64_000).optional(),
  policy_input_redacted: z.array(z.string()).max(PLACES_LIMIT).optional(),
  policy_undecided: z.enum(["ask", "read"]).optional(),
  shadow: z.strictObject({
    outcome: z.enum(["allow", "deny", "ask", "failed"]), reason: z.string().optional(), revision: z.string(), rule: z.string().optional(),
  }).optional(),
};
const written = z.object(decisionShape);

/** What stands beside the verdict of a decision, as far as the event has it. An input that is no JSON object is none: nothing is decided by it. */
export function readDecisionParts(weir: z.output<typeof written>, agent: RecordedAgent | null): Pick<RecordedDecision, "undecided" | "approval" | "input" | "shadow"> {
  const input = readInput(weir, agent);
  return {
    ...(weir.policy_undecided === undefined ? {} : { undecided: weir.policy_undecided }),
    ...(weir.approval === undefined ? {} : { approval: readApproval(weir.approval) }),
    ...(input === null ? {} : { input }),
    ...(weir.shadow === undefined ? {} : { shadow: readShadow(weir.shadow) }),
  };
}

function readApproval({ by, id, outcome, reason, scope, waited_ms: waitedMs }: NonNullable<z.output<typeof written>["approval"]>): RecordedApproval {
  return { id, outcome, by: by ?? null, reason, scope: scope ?? null, waitedMs };
}

function readInput({ policy_input: text, policy_input_redacted: redacted = [] }: z.output<typeof written>, agent: RecordedAgent | null): RecordedInput | null {
  if (text === undefined || agent === null) return null;
  try {
    const json: unknown = JSON.parse(text);
    if (!isFields(json)) return null;
    const { labels = {}, ...rest } = json;
    const { namespace, name, thread, user, chain } = agent;
    // Where not even the agent could be kept, it is in the record all the same.
    return { input: { version: 1, agent: { namespace, name, thread, user, labels, chain }, ...rest }, redacted };
  } catch {
    return null;
  }
}

function readShadow({ outcome, reason, revision, rule }: NonNullable<z.output<typeof written>["shadow"]>): RecordedShadow {
  return { revision, outcome, rule: rule ?? null, ...(reason === undefined ? {} : { reason }) };
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
