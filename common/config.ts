import { readFileSync } from "node:fs";
import type * as z from "zod";
import { ConfigDocument } from "./config-document.ts";
import { describeIssues, plainWords } from "./config-problems.ts";
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

/** Every problem of one configuration, one line each: `line N: path: message`. Exits 78. */
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
 * @throws ConfigError that lists every problem at once, with its line
 */
export function parseConfig<T extends z.ZodType>(schema: T, from: ConfigSource, text: string, overrides: Record<string, unknown> = {}): z.output<T> {
  return readConfig(schema, from, text, overrides).value;
}

/** Like {@link parseConfig}, and gives the document as well: it knows the lines of what is checked afterwards. */
export function readConfig<T extends z.ZodType>(
  schema: T, from: ConfigSource, text: string, overrides: Record<string, unknown> = {},
): { readonly value: z.output<T>; readonly document: ConfigDocument } {
  const { name: source, reference } = typeof from === "string" ? { name: from, reference: undefined } : from;
  const document = readDocument(text, source, reference);
  const fromFile = document.value ?? {};
  const parsed = schema.safeParse(isMapping(fromFile) ? merge(fromFile, overrides) : fromFile, { error: plainWords });
  if (parsed.success) return { value: parsed.data, document };
  const isOverridden = (path: readonly PropertyKey[]): boolean => isSaid(path, overrides);
  throw new ConfigError(source, describeIssues(parsed.error.issues, { schema, document, isOverridden }), { cause: parsed.error, reference });
}

function readDocument(text: string, source: string, reference: string | undefined): ConfigDocument {
  let document: ConfigDocument;
  try {
    document = new ConfigDocument(text);
  } catch (cause) {
    throw new ConfigError(source, [`cannot be read as YAML: ${(cause as Error).message}`], { cause, reference });
  }
  if (document.problems.length > 0) throw new ConfigError(source, document.problems, { reference });
  return document;
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

/** True if the overrides say something at the path; what they leave out is the file's. */
function isSaid(path: readonly PropertyKey[], overrides: unknown): boolean {
  const [step, ...rest] = path;
  if (step === undefined) return overrides !== undefined;
  return isMapping(overrides) ? isSaid(rest, overrides[String(step)]) : overrides !== undefined;
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
