import { readFileSync } from "node:fs";
import { parseDocument } from "yaml";
import type * as z from "zod";
import { EXIT, UserError } from "./exit-codes.ts";

/** Largest config file accepted, in bytes. */
const CONFIG_LIMIT_BYTES = 1 << 20;

export type Environment = Readonly<Record<string, string | undefined>>;

/** The only place where the process environment is read (test/structure/env-reads.test.ts). */
export function readEnvironment(): Environment {
  return { ...process.env };
}

const WEIR_REFERENCE = "docs/configuration.md; `weir init` writes a commented starter";

/** Where a configuration comes from: a name for messages, usually the file path, and the page that lists its settings if that is not docs/configuration.md. */
export type ConfigSource = string | { readonly name: string; readonly reference: string };

/** Every problem of one configuration, one line each: `path: message`. Exits 78. */
export class ConfigError extends UserError {
  readonly problems: readonly string[];

  /** @param reference what lists every setting, for the hint */
  constructor(source: string, problems: readonly string[], { reference = WEIR_REFERENCE, ...options }: { cause?: unknown; reference?: string | undefined } = {}) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super(`${source}: ${count}\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
      `Every setting with its unit and default is in ${reference}.`, EXIT.config, options);
    this.problems = problems;
  }
}

/**
 * Reads, merges and checks one program's configuration.
 * @param text YAML (a superset of JSON); at most 1 MiB; duplicate keys and aliases are problems, not surprises
 * @param overrides values from the command line or the environment; they win over the file, key by key
 * @throws ConfigError that lists every problem at once
 */
export function parseConfig<T extends z.ZodType>(schema: T, from: ConfigSource, text: string, overrides: Record<string, unknown> = {}): z.output<T> {
  const { name: source, reference } = typeof from === "string" ? { name: from, reference: undefined } : from;
  const document = parseDocument(text, { uniqueKeys: true, prettyErrors: true });
  if (document.errors.length > 0) {
    throw new ConfigError(source, document.errors.map((error) => `line ${error.linePos?.[0].line ?? "?"}: ${firstLine(error.message)}`), { reference });
  }
  const fromFile: unknown = document.toJS({ maxAliasCount: 0 }) ?? {};
  const parsed = schema.safeParse(isMapping(fromFile) ? merge(fromFile, overrides) : fromFile);
  if (!parsed.success) throw new ConfigError(source, parsed.error.issues.flatMap((issue) => describeIssue(issue)), { cause: parsed.error, reference });
  return parsed.data;
}

/** Reads a text file that the configuration names. @throws UserError naming the file and the reason */
export function readConfigFile(path: string): string {
  try {
    const text = readFileSync(path, "utf8");
    if (Buffer.byteLength(text) > CONFIG_LIMIT_BYTES) throw new Error(`larger than ${CONFIG_LIMIT_BYTES} bytes`);
    return text;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reason = code === "ENOENT" ? "no such file" : code === "EACCES" ? "permission denied" : (error as Error).message;
    throw new UserError(`cannot read ${path}: ${reason}`, "Check the path, or write a starter with `weir init`.", EXIT.config, { cause: error });
  }
}

function describeIssue(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.map(String).join(".") || "(top level)";
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => `${path === "(top level)" ? key : `${path}.${key}`}: unknown key; check the spelling`);
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const closest = issue.errors.reduce((best, candidate) => (candidate.length < best.length ? candidate : best));
    if (closest.length > 0) return closest.flatMap((inner) => describeIssue({ ...inner, path: [...issue.path, ...inner.path] }));
  }
  return [`${path}: ${issue.message}`];
}

function merge(base: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue;
    const below = out[key];
    out[key] = isMapping(below) && isMapping(value) ? merge(below, value) : value;
  }
  return out;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? text;
}
