import { guessPostgres } from "./postgres/protocol.ts";

/** PROXY protocol, text and binary: the preamble is one, and whoever sends another wants to be taken for someone else. */
const PROXY_TEXT = Buffer.from("PROXY ");
const PROXY_BINARY = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);

/**
 * Request methods in the IANA registry that clients use, `PRI` (the HTTP/2 preface, so that the HTTP/1 handler can refuse it by name)
 * included. A closed list, because `EHLO host`, `SET key` and `NICK name` look just like a method and a target.
 */
const METHODS = [
  "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY", "PRI",
  "ACL", "BASELINE-CONTROL", "BIND", "CHECKIN", "CHECKOUT", "COPY", "LABEL", "LINK", "LOCK", "MERGE", "MKACTIVITY", "MKCALENDAR", "MKCOL",
  "MKREDIRECTREF", "MKWORKSPACE", "MOVE", "ORDERPATCH", "PROPFIND", "PROPPATCH", "REBIND", "REPORT", "SEARCH", "UNBIND", "UNCHECKOUT",
  "UNLINK", "UNLOCK", "UPDATE", "UPDATEREDIRECTREF", "VERSION-CONTROL",
].map((method) => Buffer.from(`${method} `));

const TLS_HANDSHAKE_RECORD = 22;

export type Guess = "tls" | "http" | "postgres" | "opaque" | "proxy-header" | "undecided";

/**
 * What a connection's first bytes open, or `undecided` while they could still become something else. TLS: record type 22 and legacy
 * version 3.x (RFC 8446 §5.1). A routing hint, not a check: whoever gets the bytes reads them strictly.
 */
export function guessWire(seen: Buffer): Guess {
  if (seen.byteLength === 0) return "undecided";
  if (seen[0] === TLS_HANDSHAKE_RECORD) {
    if (seen.byteLength === 1) return "undecided";
    return seen[1] === 3 ? "tls" : "opaque";
  }
  const postgres = guessPostgres(seen);
  if (postgres !== "no") return postgres === "yes" ? "postgres" : "undecided";
  if (METHODS.some((method) => startsWith(seen, method))) return "http";
  if (startsWith(seen, PROXY_TEXT) || startsWith(seen, PROXY_BINARY)) return "proxy-header";
  const candidates = [...METHODS, PROXY_TEXT, PROXY_BINARY];
  return candidates.some((candidate) => startsWith(candidate, seen)) ? "undecided" : "opaque";
}

function startsWith(bytes: Buffer, prefix: Buffer): boolean {
  return bytes.byteLength >= prefix.byteLength && bytes.subarray(0, prefix.byteLength).equals(prefix);
}
