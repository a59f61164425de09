import { EgressError } from "../errors.ts";
import { APPROVAL_SCOPES, type Allow, type ApprovalScope, type Ask, type Obligations, type Read } from "../model/decision.ts";
import { READINGS, type ReadingName } from "../model/readings.ts";
import type { Answers, Question } from "./policy-engine.ts";

const NAME_LENGTH = 200;
const TEXT_LENGTH = 4_000;
const MAX_GRANTS = 8;
const MAX_BUDGETS = 16;
/** A person who has not answered within an hour is not there. */
const LONGEST_ASK_SECONDS = 3_600;
const LARGEST_READ_BYTES = 16 << 20;

const RESULT_KEYS = ["result"] as const;
const DENY_KEYS = ["allow", "rule", "reason", "hint"] as const;
const ALLOW_KEYS = ["allow", "rule", "grants", "budgets", "obligations"] as const;
const CONNECTION_KEYS = [...ALLOW_KEYS, "handling"] as const;
const ASK_KEYS = ["reason", "hint", "timeout_seconds", "scopes"] as const;
const READ_KEYS = ["read", "rule", "max_bytes"] as const;
const OBLIGATION_KEYS = ["max_request_bytes", "max_response_bytes", "max_output_tokens", "when_short", "filter"] as const;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads what the policy answered. Only the literal `true` allows. Exactly one result with exactly these keys: `[]`, `[{}]`, `{allow: "true"}`,
 * two results, one key more … are no answers. By hand, because every request comes this way; test/unit/proxy/policy/answer.test.ts holds it
 * against a schema.
 * @param answer the result set of one evaluation
 * @throws EgressError `policy.unavailable` for every other shape
 */
export function readDecision<Q extends Question>(question: Q, answer: unknown, revision: string): Answers[Q];
export function readDecision(question: Question, answer: unknown, revision: string): Answers["exchange"] {
  const result = theResult(answer);
  if (result["allow"] === true) return readAllow(question, result, revision);
  if (result["ask"] !== undefined && question !== "name") return readAsk(question, result, revision);
  if (result["read"] !== undefined && question === "exchange") return readRead(result, revision);
  if (result["allow"] !== false) throw unfit("allow");
  requireKeys(result, DENY_KEYS, "deny");
  return {
    kind: "deny", rule: text(result, "rule", 1, NAME_LENGTH),
    reason: text(result, "reason", 1, TEXT_LENGTH), hint: text(result, "hint", 0, TEXT_LENGTH), revision,
  };
}

/** `{"ask": {"reason", "hint", "timeout_seconds", "scopes"}, "rule", …}`: beside `ask`, the keys of the allow that it becomes. */
function readAsk(question: Question, { ask, ...rest }: Fields, revision: string): Ask {
  if (!isFields(ask)) throw unfit("ask");
  requireKeys(ask, ASK_KEYS, "ask");
  const seconds = positive(ask["timeout_seconds"], "ask");
  if (seconds > LONGEST_ASK_SECONDS) throw unfit("ask");
  const allow = readAllow(question, { allow: true, ...rest }, revision);
  return {
    kind: "ask", rule: allow.rule, reason: text(ask, "reason", 1, TEXT_LENGTH), hint: text(ask, "hint", 0, TEXT_LENGTH),
    timeoutMs: seconds * 1_000, scopes: members<ApprovalScope>(ask["scopes"], APPROVAL_SCOPES, "ask"), allow, revision,
  };
}

/** `{"read": ["mcp"], "rule", "max_bytes"}` */
function readRead(result: Fields, revision: string): Read {
  requireKeys(result, READ_KEYS, "read");
  const maxBytes = positive(result["max_bytes"], "read");
  if (maxBytes > LARGEST_READ_BYTES) throw unfit("read");
  return { kind: "read", rule: text(result, "rule", 1, NAME_LENGTH), readings: members<ReadingName>(result["read"], READINGS, "read"), maxBytes, revision };
}

/** A connection's allow says whether its bytes are read; leaving that out is not an answer, and saying it of anything else is none either. */
function readAllow(question: Question, result: Fields, revision: string): Allow {
  const isConnection = question === "connection";
  requireKeys(result, isConnection ? CONNECTION_KEYS : ALLOW_KEYS, "allow");
  const handling = isConnection ? result["handling"] : "intercept";
  if (handling !== "intercept" && handling !== "tunnel" && handling !== "postgres") throw unfit("handling");
  return {
    kind: "allow", rule: text(result, "rule", 1, NAME_LENGTH), handling,
    grants: names(result, "grants", MAX_GRANTS), budgets: names(result, "budgets", MAX_BUDGETS),
    obligations: readObligations(result["obligations"]), revision,
  };
}

function theResult(answer: unknown): Fields {
  if (!Array.isArray(answer) || answer.length !== 1) throw unfit("result set");
  const entry: unknown = answer[0];
  if (!isFields(entry)) throw unfit("result set");
  requireKeys(entry, RESULT_KEYS, "result set");
  const { result } = entry;
  if (!isFields(result)) throw unfit("result");
  return result;
}

function readObligations(from: unknown): Obligations {
  if (!isFields(from)) throw unfit("obligations");
  const { max_request_bytes: request, max_response_bytes: response, max_output_tokens: output, when_short: short, filter } = from;
  requireKeys(from, OBLIGATION_KEYS.filter((key) => from[key] !== undefined), "obligations");
  return {
    ...(request === undefined ? {} : { maxRequestBytes: positive(request) }),
    ...(response === undefined ? {} : { maxResponseBytes: positive(response) }),
    ...(output === undefined ? {} : { maxOutputTokens: positive(output) }),
    ...(short === undefined ? {} : { whenShort: shortage(short) }),
    ...(filter === undefined ? {} : { filter: filterName(filter) }),
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** As many keys as are read, so that there is no other: those that are missing are missed when they are read. */
function requireKeys(fields: Fields, keys: readonly string[], what: string): void {
  if (Object.keys(fields).length !== keys.length) throw unfit(`${what}${differences(fields, keys)}`);
}

/** What is too much or too little, for whoever wrote the rule. Keys are the policy's words: cut like its names. */
function differences(fields: Fields, keys: readonly string[]): string {
  const cut = (texts: readonly string[]): string => texts.join(", ").slice(0, NAME_LENGTH);
  const [unknown, missing] = [Object.keys(fields).filter((key) => !keys.includes(key)), keys.filter((key) => fields[key] === undefined)];
  const { rule } = fields;
  return [
    ...(typeof rule === "string" ? [` of rule ${cut([rule])}`] : []),
    ...(unknown.length > 0 ? [`: unknown key ${cut(unknown)}`] : []), ...(missing.length > 0 ? [`: without ${cut(missing)}`] : []),
  ].join("");
}

function text(fields: Fields, key: string, shortest: number, longest: number): string {
  const value = fields[key];
  if (typeof value !== "string" || value.length < shortest || value.length > longest) throw unfit(key);
  return value;
}

function names(fields: Fields, key: string, most: number): readonly string[] {
  const list = fields[key];
  if (!Array.isArray(list) || list.length > most || !list.every(isName)) throw unfit(key);
  return list;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= NAME_LENGTH;
}

/** One or several of what is known, each once. */
function members<T extends string>(value: unknown, known: readonly T[], where: string): readonly T[] {
  if (!Array.isArray(value) || value.length === 0 || new Set(value).size !== value.length) throw unfit(where);
  if (!value.every((one): one is T => (known as readonly unknown[]).includes(one))) throw unfit(where);
  return value;
}

function positive(value: unknown, where = "obligations"): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1) throw unfit(where);
  return value;
}

function shortage(value: unknown): "clamp" | "refuse" {
  if (value !== "clamp" && value !== "refuse") throw unfit("obligations");
  return value;
}

function filterName(value: unknown): "mcp" {
  if (value !== "mcp") throw unfit("obligations");
  return value;
}

function unfit(where: string): EgressError {
  return new EgressError("policy.unavailable", `the policy's answer does not have the agreed shape (${where})`);
}
