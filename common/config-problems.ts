import type * as z from "zod";
import { withLine, type ConfigDocument } from "./config-document.ts";
import { nearNames } from "./near-names.ts";
import { keysAt } from "./schema-keys.ts";

/** What a configuration was read from. */
export interface WrittenConfig {
  readonly schema: z.core.$ZodType;
  readonly document: ConfigDocument;
  /** True for a place that was not written, but said on the command line or in the environment. */
  readonly isOverridden: (path: readonly PropertyKey[]) => boolean;
}

/** Every problem that a schema has with a configuration: `line 5: hosts.0.method: unknown key; did you mean methods?` */
export function describeIssues(issues: readonly z.core.$ZodIssue[], written: WrittenConfig): string[] {
  return issues.flatMap((issue) => describeIssue(issue, written));
}

/** Own words for what most schemas leave to zod; for the `error` of a parse. */
export function plainWords(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === "invalid_type") return issue.input === undefined ? "must be given" : `must be ${KINDS[issue.expected] ?? issue.expected}, not ${kindOf(issue.input)}`;
  if (issue.code === "unrecognized_keys") return `unknown key ${issue.keys.join(", ")}`;
  if (issue.code === "invalid_value" && issue.values.length > 1) return `must be one of ${issue.values.map(String).join(", ")}`;
  if (issue.code === "too_small" && issue.minimum === 1 && (issue.origin === "string" || issue.origin === "array")) return "must not be empty";
  return undefined;
}

const KINDS: Readonly<Record<string, string>> = {
  string: "text", number: "a number", int: "a whole number", boolean: "true or false", array: "a list", object: "keys with values", record: "keys with values", null: "null",
};

function kindOf(input: unknown): string {
  if (input === null) return "nothing";
  return KINDS[Array.isArray(input) ? "array" : typeof input] ?? typeof input;
}

function describeIssue(issue: z.core.$ZodIssue, written: WrittenConfig): string[] {
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => placed([...issue.path, key], `unknown key; ${advice(key, keysAt(written.schema, issue.path))}`, written));
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const closest = issue.errors.reduce((best, candidate) => (candidate.length < best.length ? candidate : best));
    if (closest.length > 0) return closest.flatMap((inner) => describeIssue({ ...inner, path: [...issue.path, ...inner.path] }, written));
  }
  return [placed(issue.path, issue.message, written)];
}

function advice(key: string, known: readonly string[]): string {
  const [near] = nearNames(key, known);
  return near === undefined ? "check the spelling" : `did you mean ${near}?`;
}

function placed(path: readonly PropertyKey[], message: string, { document, isOverridden }: WrittenConfig): string {
  return withLine(isOverridden(path) ? null : document.lineOf(path), `${path.map(String).join(".") || "(top level)"}: ${message}`);
}
