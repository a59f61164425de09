import { ERROR_TABLE, refusalBody, type EgressError } from "../errors.ts";
import type { HeaderList, RequestHead } from "../model/request.ts";
import type { Readings } from "../readings/readings.ts";
import type { ReadRequest } from "./read-body.ts";

/** A refusal in the form of a protocol. */
export interface ProtocolRefusal {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

/** What was refused, as far as it is known. */
export interface Refused {
  readonly head: RequestHead;
  /** Null where its body was not read. */
  readonly read: Pick<ReadRequest, "body"> | null;
  readonly exchangeId: string;
}

/**
 * How a refusal reads to a client of Git, gRPC or GraphQL, in the words of which its library or command shows it to somebody.
 * @returns null for every other client
 */
export function inProtocolWords({ head, read, exchangeId }: Refused, error: EgressError, readings: Pick<Readings, "ofHead">): ProtocolRefusal | null {
  const { git, grpc } = knownOf(head, readings);
  if (git !== undefined) return inGitWords(error, exchangeId);
  if (grpc !== undefined) return inGrpcWords(head, error, exchangeId);
  const isGraphql = read?.body.parts.some((part) => part.graphql !== undefined) === true;
  return isGraphql ? inGraphqlWords(head, read.body.parts.length, { error, exchangeId }) : null;
}

/** A head that two readers understand in two ways is refused for that, in our own words. */
function knownOf(head: RequestHead, readings: Pick<Readings, "ofHead">): ReturnType<Readings["ofHead"]> {
  try {
    return readings.ofHead(head);
  } catch {
    return {};
  }
}

/** `git` shows a text of the server's behind `remote:`, line by line, if it is `text/plain`; of everything else it shows the status alone (remote-curl.c). */
function inGitWords(error: EgressError, exchangeId: string): ProtocolRefusal {
  const { reason, hint } = refusalBody(error, exchangeId);
  const lines = [reason, hint ?? "", placeOf(error, exchangeId)].filter((line) => line !== "");
  return {
    status: ERROR_TABLE[error.code].status, headers: [["content-type", "text/plain; charset=utf-8"]],
    body: Buffer.from(`${lines.map(oneLine).join("\n")}\n`),
  };
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, " ");
}

/** Codes of gRPC by the status of HTTP (google.rpc.Code). */
const GRPC_CODES: Readonly<Record<number, number>> = { 400: 3, 402: 8, 403: 7, 408: 4, 413: 8, 421: 7, 429: 8, 431: 8, 499: 1, 500: 13, 504: 4 };
const PERMISSION_DENIED = 7;
const UNAVAILABLE = 14;
/** Longer messages do not fit into what servers and clients take of header fields. */
const MESSAGE_LENGTH = 1_000;

/**
 * Status and message in the head of an answer that is nothing else ("Trailers-Only", PROTOCOL-HTTP2.md): with any other status clients make up a reason
 * of their own.
 */
function inGrpcWords(head: RequestHead, error: EgressError, exchangeId: string): ProtocolRefusal {
  const type = head.headers.find(([name]) => name === "content-type")?.[1] ?? "application/grpc";
  const code = GRPC_CODES[ERROR_TABLE[error.code].status] ?? (error.outcome === "denied" ? PERMISSION_DENIED : UNAVAILABLE);
  const message = grpcText(inOneLine(error, exchangeId).slice(0, MESSAGE_LENGTH));
  return { status: 200, headers: [["content-type", type], ["grpc-status", String(code)], ["grpc-message", message]], body: Buffer.alloc(0) };
}

/** Percent-encoded: every byte that is not visible ASCII or a space, and the percent sign itself. */
function grpcText(text: string): string {
  const isPlain = (byte: number): boolean => byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
  return [...Buffer.from(text)].map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)).join("");
}

/** Why, and for whose eyes. */
interface Cause {
  readonly error: EgressError;
  readonly exchangeId: string;
}

/** Errors of a request with our own fields beside them (GraphQL, October 2021, §7.1.2; graphql-over-http, §6); a batch has one for each of its operations. */
function inGraphqlWords({ headers }: RequestHead, operations: number, { error, exchangeId }: Cause): ProtocolRefusal {
  const { error: code, rule, reason, hint } = refusalBody(error, exchangeId);
  const extensions = { code: code.replaceAll(/[.-]/g, "_").toUpperCase(), error: code, rule, reason, hint, request_id: exchangeId };
  const one = { errors: [{ message: inOneLine(error, exchangeId), extensions }] };
  const said = operations === 1 ? one : Array.from({ length: operations }, () => one);
  const isNewType = headers.some(([name, value]) => name === "accept" && value.includes(RESPONSE_TYPE));
  const type = isNewType ? RESPONSE_TYPE : "application/json";
  return { status: ERROR_TABLE[error.code].status, headers: [["content-type", type]], body: Buffer.from(`${JSON.stringify(said)}\n`) };
}

const RESPONSE_TYPE = "application/graphql-response+json";

function inOneLine(error: EgressError, exchangeId: string): string {
  const { reason, hint } = refusalBody(error, exchangeId);
  return oneLine([reason, hint ?? "", placeOf(error, exchangeId)].filter((part) => part !== "").join(" "));
}

function placeOf({ code, explanation }: EgressError, exchangeId: string): string {
  return `(${code}${explanation === undefined ? "" : `, rule ${explanation.rule}`}, request ${exchangeId})`;
}
