import { errors } from "undici";
import { EgressError, type ErrorCode } from "../errors.ts";

/** undici's and the system's codes, as ours. Anything else is `internal`. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  UND_ERR_HEADERS_TIMEOUT: "upstream.timeout",
  UND_ERR_BODY_TIMEOUT: "upstream.timeout",
  UND_ERR_HEADERS_OVERFLOW: "upstream.malformed",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "upstream.malformed",
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: "request.malformed",
  UND_ERR_INVALID_ARG: "request.malformed",
  UND_ERR_NOT_SUPPORTED: "request.malformed",
  UND_ERR_ABORTED: "relay.aborted",
  UND_ERR_SOCKET: "upstream.aborted",
  UND_ERR_INFO: "upstream.aborted",
  UND_ERR_DESTROYED: "upstream.aborted",
  UND_ERR_CLOSED: "upstream.aborted",
  ERR_STREAM_PREMATURE_CLOSE: "upstream.aborted",
  ECONNRESET: "upstream.aborted",
  EPIPE: "upstream.aborted",
  ETIMEDOUT: "upstream.timeout",
  EHOSTUNREACH: "upstream.aborted",
  ENETUNREACH: "upstream.aborted",
};

/** What undici says when bytes arrive that no request asked for, or a 100 or 101 that none asked for. */
const MALFORMED_SOCKET_ERRORS: ReadonlySet<string> = new Set(["bad response", "bad upgrade"]);

/**
 * Our error for one of undici or of a socket. Message and cause are dropped: undici's errors carry header
 * values and answer bytes; only its closed set of codes is told.
 */
export function asEgressError(error: unknown): EgressError {
  if (error instanceof EgressError) return error;
  if (error instanceof errors.HTTPParserError) return new EgressError("upstream.malformed", "the answer does not follow HTTP/1.1");
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code !== "string") return new EgressError("internal", "unexpected error in an upstream exchange");
  if (code === "UND_ERR_SOCKET" && MALFORMED_SOCKET_ERRORS.has(String(message))) return new EgressError("upstream.malformed", "an answer that no request asked for");
  if (code.startsWith("ERR_SSL_")) return new EgressError("upstream.aborted", `TLS with the destination failed (${code})`);
  if (code.startsWith("ERR_HTTP2_")) return new EgressError("upstream.malformed", `HTTP/2 with the destination failed (${code})`);
  const known = CODES[code];
  return known === undefined ? new EgressError("internal", `unexpected error in an upstream exchange (${code})`) : new EgressError(known, `upstream exchange ended early (${code})`);
}

/**
 * Our error for one that the request's body ended with. An error with a code was put there by undici or the destination's socket; one without
 * came from the agent's side.
 */
export function asBodyError(error: unknown): EgressError {
  return typeof (error as { code?: unknown }).code === "string" ? asEgressError(error) : new EgressError("relay.aborted", "the request's body ended early");
}

/** True if the connection was lost as such, without a word of an answer: what a request on a stale connection meets. */
export function isConnectionLoss(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code === "UND_ERR_SOCKET") return !MALFORMED_SOCKET_ERRORS.has(String(message));
  return code === "ECONNRESET" || code === "EPIPE";
}
