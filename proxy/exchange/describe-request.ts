import { safeLine } from "../../common/approvals/safe-line.ts";
import { DETAIL_LENGTH, DETAIL_LINES, PATH_LENGTH } from "../../common/approvals/views.ts";
import { EgressError } from "../errors.ts";
import type { BodyReadings, HeadReadings, LlmReading } from "../model/readings.ts";
import type { HeaderList, RequestHead } from "../model/request.ts";
import { describeBody } from "./describe-body.ts";
import { hideInText } from "./hide-secrets.ts";

/** What is known of a request beyond method and host. */
export interface Described {
  readonly head: Pick<RequestHead, "path" | "query" | "headers">;
  readonly readings: HeadReadings;
  /** Null where nobody read the body. `text` is the body without its content coding. */
  readonly read: { readonly text: Buffer; readonly parts: readonly BodyReadings[] } | null;
  /** Null if only its end will tell, 0 if there is none. */
  readonly bodyBytes: number | null;
  /** The rule that asks, for the refusal. */
  readonly rule: string;
}

/** Begins a line that names something that will be sent and that the person does not see. */
const NOT_SHOWN = "NOT SHOWN: ";
/** Fields that say how a client speaks, and whose credentials are the boundary's affair. Any other may say what is done, and to what: `x-amz-copy-source`, `destination`. */
const USUAL_FIELDS: ReadonlySet<string> = new Set([
  "accept", "accept-charset", "accept-encoding", "accept-language", "authorization", "cache-control", "connection", "content-encoding", "content-length", "content-type", "date", "expect",
  "host", "keep-alive", "mcp-method", "mcp-name", "mcp-protocol-version", "mcp-session-id", "pragma", "priority", "te", "traceparent", "tracestate", "trailer", "transfer-encoding", "user-agent",
]);
/** Begins a line that goes on with the one before. */
const MORE = "  … ";
/** A longer body would be taken apart for lines that nobody is shown; what is under it may be escapes and white space. */
const LARGEST_BODY_BYTES = 256 * 1_024;
const SEND_LESS = "Do not repeat it as it is. Send less in one request: fewer members, shorter texts, smaller batches.";

/**
 * A request in lines for a person: all that was read of it, and a line for each thing that is sent and not shown. All of it is the agent's word: safe to
 * print, keys and texts in quotes, and without what looks like a secret. A line that is too long goes on in the next, behind `  … `, which begins no other.
 * @throws EgressError `approval.too-large` where it does not fit: nobody is asked about what they cannot see
 */
export function describeRequest({ head: { path, query, headers }, readings, read, bodyBytes, rule }: Described): string[] {
  if (path.length > PATH_LENGTH) throw tooMuch(rule, `its path has ${path.length} characters`, "Do not repeat it as it is: use a shorter path.");
  if (read !== null && isShown(read.parts) && read.text.byteLength > LARGEST_BODY_BYTES) throw tooMuch(rule, `its body has ${read.text.byteLength} bytes`);
  const lines = [...notShown(query, read, bodyBytes), ...fieldsNotShown(headers), ...describeHead(readings), ...(read === null ? [] : describeRead(read))].flatMap(folded);
  if (lines.length > DETAIL_LINES) throw tooMuch(rule, `what was read of it takes ${lines.length} lines`);
  return lines;
}

function notShown(query: string | null, read: Described["read"], bodyBytes: number | null): string[] {
  const size = bodyBytes === null ? "" : ` of ${bodyBytes} bytes`;
  return [
    ...(query === null || query === "" ? [] : [`${NOT_SHOWN}a query of ${query.length} characters`]),
    ...(read === null && bodyBytes !== 0 ? [`${NOT_SHOWN}a body${size} that was not read`] : []),
    ...(read !== null && read.text.byteLength > 0 && !isShown(read.parts) ? [`${NOT_SHOWN}all else in a body of ${read.text.byteLength} bytes`] : []),
  ];
}

function fieldsNotShown(headers: HeaderList): string[] {
  const names = new Set(headers.map(([name]) => name).filter((name) => !USUAL_FIELDS.has(name)));
  return names.size === 0 ? [] : [`${NOT_SHOWN}header fields ${[...names].map(hideInText).join(", ")}`];
}

/** Whether the body is shown whole: every reading but that of a model is of JSON that people can judge. */
function isShown(parts: readonly BodyReadings[]): boolean {
  return parts.some(({ mcp, graphql, json }) => mcp !== undefined || graphql !== undefined || json !== undefined);
}

function describeHead({ git, grpc }: HeadReadings): string[] {
  return [
    ...(git === undefined ? [] : [`Git: ${git.is_write ? "push to" : "fetch from"} ${git.repository}`]),
    ...(grpc === undefined ? [] : [`gRPC: ${grpc.service}/${grpc.method}`]),
  ];
}

function describeRead({ text, parts }: NonNullable<Described["read"]>): string[] {
  const models = new Set(parts.flatMap(({ llm }) => (llm === undefined ? [] : describeModel(llm))));
  const operations = new Set(parts.flatMap(({ graphql }) => (graphql === undefined ? [] : [`GraphQL: ${graphql.type} ${graphql.name ?? "(anonymous)"} { ${graphql.fields.join(" ")} }`])));
  const body = text.byteLength > 0 && isShown(parts) ? describeBody(text, parts.some(({ mcp }) => mcp !== undefined)) : [];
  return [...models, ...operations, ...body];
}

function describeModel({ model, provider, max_output_tokens: most, tools }: LlmReading): string[] {
  return [
    `model: ${model} of ${provider}${most === null ? "" : `, at most ${most} output tokens`}`,
    ...(tools.length === 0 ? [] : [`tools: ${tools.join(", ")}`]),
  ];
}

/** One line as so many as it takes; no character is cut in two. */
function folded(line: string): string[] {
  const lines: string[] = [];
  for (let at = 0; at < line.length || lines.length === 0;) {
    const before = lines.length === 0 ? "" : MORE;
    const room = DETAIL_LENGTH - before.length;
    const end = at + room < line.length && !line.slice(at, at + room).isWellFormed() && line.slice(at, at + room - 1).isWellFormed() ? at + room - 1 : at + room;
    lines.push(before + safeLine(line.slice(at, end), room));
    at = end;
  }
  return lines;
}

function tooMuch(rule: string, detail: string, hint = SEND_LESS): EgressError {
  const reason = `A person has to allow this, and it is more than one is shown: at most ${DETAIL_LINES} lines of ${DETAIL_LENGTH} characters, and a path of ${PATH_LENGTH}.`;
  return new EgressError("approval.too-large", `too much to be judged by a person: ${detail}`, { explanation: { rule, reason, hint } });
}
