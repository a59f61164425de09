import { safeLine } from "../../common/approvals/safe-line.ts";
import { DETAIL_LENGTH, DETAIL_LINES } from "../../common/approvals/views.ts";
import type { BodyReadings, HeadReadings, LlmReading, McpReading } from "../model/readings.ts";

/** Longest text of one argument, in characters. */
const VALUE_LENGTH = 160;
/** No more of a value is looked at: a body may be megabytes, and little of it is shown. */
const LOOK_AT = 4 * VALUE_LENGTH;
/** Names under which people write what others must not read. */
const SECRET_NAME = /pass(word|wd|phrase)?|secret|token|credential|authorization|api[-_]?key|private[-_]?key|cookie|session/i;
/** Beginnings of well-known keys: what follows is not shown. */
const SECRET_TEXT = /\b(sk-|sk_|ghp_|gho_|ghs_|github_pat_|glpat-|xox[abprs]-|AKIA|ASIA|AIza|npm_|pypi-|eyJ|hvs\.|whsec_)[A-Za-z0-9_\-.+/=]{6,}/g;
const HIDDEN = "[hidden]";

/** What is known of a request beyond method and path. */
export interface Readings {
  readonly head: HeadReadings;
  /** Null where nobody read the body. */
  readonly parts: readonly BodyReadings[] | null;
  /** Null if only its end will tell, 0 if there is none. */
  readonly bodyBytes: number | null;
}

/** What was read of a request, in lines for a person. All of it is the agent's word: cut, on one line each, safe to print, and without what looks like a secret. */
export function describeRequest({ head, parts, bodyBytes }: Readings): string[] {
  const lines = [...describeHead(head), ...describeParts(parts)];
  if (parts === null && bodyBytes !== 0) lines.push(`a body${bodyBytes === null ? "" : ` of ${bodyBytes} bytes`} that was not read`);
  const most = lines.length > DETAIL_LINES ? [...lines.slice(0, DETAIL_LINES - 1), `and ${lines.length - DETAIL_LINES + 1} lines more`] : lines;
  return most.map((line) => safeLine(line.replaceAll(SECRET_TEXT, `$1${HIDDEN}`), DETAIL_LENGTH));
}

function describeHead({ git, grpc }: HeadReadings): string[] {
  return [
    ...(git === undefined ? [] : [`Git: ${git.is_write ? "push to" : "fetch from"} ${git.repository}`]),
    ...(grpc === undefined ? [] : [`gRPC: ${grpc.service}/${grpc.method}`]),
  ];
}

function describeParts(parts: readonly BodyReadings[] | null): string[] {
  if (parts === null) return [];
  return parts.slice(0, DETAIL_LINES).flatMap((part, at) => {
    const lines = describePart(part);
    return parts.length === 1 ? lines : lines.map((line) => `${at + 1} of ${parts.length}: ${line}`);
  });
}

function describePart({ llm, mcp, graphql, json }: BodyReadings): string[] {
  return [
    ...(llm === undefined ? [] : describeModel(llm)),
    ...(mcp === undefined ? [] : describeMessage(mcp)),
    ...(graphql === undefined ? [] : [`GraphQL: ${graphql.type} ${graphql.name ?? "(anonymous)"} { ${graphql.fields.join(" ")} }`]),
    // What another reading has said already is not said again.
    ...(json === undefined || mcp !== undefined ? [] : described("JSON", json)),
  ];
}

function describeModel({ model, provider, max_output_tokens: most, tools }: LlmReading): string[] {
  return [
    `model: ${model} of ${provider}${most === null ? "" : `, at most ${most} output tokens`}`,
    ...(tools.length === 0 ? [] : [`tools: ${tools.join(", ")}`]),
  ];
}

function describeMessage({ method, kind, tool, prompt, uri, arguments: given }: McpReading): string[] {
  const about = tool ?? prompt ?? uri;
  return [`MCP: ${method ?? kind}${about === null ? "" : ` ${about}`}`, ...(given === null ? [] : described("", given))];
}

/** The entries of an object, a line each; anything else is one line. */
function described(name: string, value: unknown): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [`${name}: ${shortened(name, value)}`];
  return Object.entries(value).slice(0, DETAIL_LINES).map(([key, one]) => `  ${safeLine(key, 60)} = ${shortened(key, one)}`);
}

function shortened(name: string, value: unknown): string {
  if (SECRET_NAME.test(name)) return HIDDEN;
  const text = JSON.stringify(value, (key, one: unknown) => (key !== "" && SECRET_NAME.test(key) ? HIDDEN : one));
  return safeLine(text.slice(0, LOOK_AT).replaceAll(SECRET_TEXT, `$1${HIDDEN}`), VALUE_LENGTH);
}
