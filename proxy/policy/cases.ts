import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { readConfig } from "../../common/config.ts";
import { UserError } from "../../common/exit-codes.ts";
import type { PolicyEngine } from "./policy-engine.ts";
import type { TrialContext } from "./trial-head.ts";
import { checkTrial, runTrial, trial, type TrialStep } from "./trial.ts";

/** Tests of a policy that need no Rego: `*_test.yaml` beside `data.yaml`, a list of requests and what must become of them. */
export const policyCase = trial.extend({
  name: z.string().min(1).describe("The behaviour, as a sentence."),
  expect: z.enum(["allow", "deny", "ask"]),
  rule: z.string().optional().describe("Rule that must decide."),
  grants: z.array(z.string()).optional().describe("Grants that must be lent, in any order."),
  handling: z.enum(["intercept", "tunnel", "postgres"]).optional(),
}).superRefine(checkTrial);
const caseFile = z.strictObject({ cases: z.array(policyCase).min(1).max(10_000) });
export type PolicyCase = z.output<typeof policyCase>;

export interface CaseResult {
  readonly file: string;
  /** Where the case begins, from 1; null if nobody knows. */
  readonly line?: number | null;
  /** Of a pack's test: the level that it is taken up with; absent: its own. */
  readonly access?: string;
  readonly name: string;
  /** Null if the case holds; else what was different. */
  readonly failure: string | null;
}

/** What lists the keys of cases. */
export const CASES_REFERENCE = "docs/policy.md#cases";

/** Runs every case of a policy folder, in order of file. @throws ConfigError listing every mistake of a case file */
export async function runCases(directory: string, engine: PolicyEngine, context: TrialContext): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const file of (await readdir(directory)).filter((name) => /_test\.ya?ml$/.test(name)).sort()) {
    const path = join(directory, file);
    const { value: { cases }, document } = readConfig(caseFile, { name: path, reference: CASES_REFERENCE }, await readFile(path, "utf8"));
    for (const [index, asked] of cases.entries()) results.push({ file, line: document.lineOf(["cases", index]), name: asked.name, failure: await failureOf(asked, engine, context) });
  }
  return results;
}

/** Why a case does not hold, or null. */
export async function failureOf({ name: _, expect, rule, grants, handling, ...asked }: PolicyCase, engine: PolicyEngine, context: TrialContext): Promise<string | null> {
  const steps = await runTrial(engine, asked, context).catch(noAnswer);
  if (typeof steps === "string") return `expected ${expect}, but ${steps}`;
  const { decision } = steps.at(-1) ?? steps[0];
  if (decision.kind !== expect) return `expected ${expect}, got ${told(steps.at(-1) ?? steps[0])}`;
  if (rule !== undefined && decision.rule !== rule) return `expected rule ${rule}, got ${describeStep(steps.at(-1) ?? steps[0])}`;
  if (decision.kind === "deny") return null;
  const lent = decision.kind === "ask" ? decision.allow.grants : decision.grants;
  if (grants !== undefined && !isSameSet(grants, lent)) return `expected grants [${grants.join(", ")}], got [${lent.join(", ")}]`;
  const handled = steps.find(({ question }) => question === "connection")?.decision;
  if (handling !== undefined && handled?.kind === "allow" && handled.handling !== handling) return `expected handling ${handling}, got ${handled.handling}`;
  return null;
}

/** A policy without an answer fails the case, and not the cases after it. */
function noAnswer(error: unknown): string {
  if (error instanceof UserError) return error.message;
  throw error;
}

/** One line: what was decided, by which rule and why. */
export function describeStep({ question, decision }: TrialStep): string {
  const { kind, rule } = decision;
  if (kind === "read") return `read ${decision.readings.join(", ")} (${question}) for rule ${rule}`;
  return `${kind} (${question}) by rule ${rule}${"reason" in decision ? `: ${decision.reason}` : ""}`;
}

/** Why an outcome was not the expected one; with what policy says to do about it. */
function told(step: TrialStep): string {
  const hint = "hint" in step.decision ? step.decision.hint : "";
  return `${describeStep(step)}${hint === "" ? "" : `\n     hint: ${hint}`}`;
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item));
}
