import { EgressError } from "../errors.ts";
import type { HeaderList } from "../model/request.ts";

/** Fields about one connection, not about the answer (RFC 9110 §7.6.1). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection", "keep-alive", "proxy-authenticate", "proxy-authentication-info", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
]);

/** What undici gives: name and value in turn as bytes (HTTP/1.1), or an object (HTTP/2). */
export type RawFields = readonly Buffer[] | readonly string[] | Readonly<Record<string, string | string[] | undefined>> | null | undefined;

/** Fields in order, names lower case, values latin1 and otherwise untouched (llhttp has refused CR, LF, NUL and other control bytes). */
export function readFields(raw: RawFields): [string, string][] {
  if (raw === null || raw === undefined) return [];
  const fields: [string, string][] = [];
  if (!Array.isArray(raw)) {
    for (const [name, value] of Object.entries(raw)) {
      if (name.startsWith(":") || value === undefined) continue;
      for (const one of Array.isArray(value) ? value : [value]) fields.push([name, one as string]);
    }
    return fields;
  }
  for (let index = 0; index + 1 < raw.length; index += 2) {
    fields.push([text(raw[index]).toLowerCase(), text(raw[index + 1])]);
  }
  return fields;
}

/**
 * The fields of an answer without those about the connection.
 * @throws EgressError `upstream.malformed` for framing that undici lets pass: a transfer coding other than one `chunked`, a body where
 * none may be (RFC 9112 §6.3), a status outside 100 to 599
 */
export function readAnswerHead(status: number, raw: RawFields): HeaderList {
  if (status < 100 || status > 599) throw new EgressError("upstream.malformed", `status ${status}`);
  const fields = readFields(raw);
  let listed = "";
  let codings = 0;
  let hasConnectionFields = false;
  for (const [name, value] of fields) {
    if (name === "transfer-encoding") {
      codings += 1;
      if (codings > 1 || value.trim().toLowerCase() !== "chunked") throw new EgressError("upstream.malformed", "transfer coding other than chunked");
    } else if (name === "connection") {
      listed += `,${value}`;
    }
    hasConnectionFields ||= HOP_BY_HOP.has(name);
  }
  if (status < 200 || status === 204) refuseBody(status, fields, codings);
  if (!hasConnectionFields) return fields;
  const dropped = new Set(listed.toLowerCase().split(",").map((token) => token.trim()));
  return fields.filter(([name]) => !HOP_BY_HOP.has(name) && !dropped.has(name));
}

/**
 * The fields of a 101, `upgrade` and `connection` among them: the handshake is judged by them.
 * @throws EgressError `upstream.malformed` unless it switches to exactly the protocol that was asked for
 */
export function readUpgradeHead(raw: RawFields, asked: string): HeaderList {
  const fields = readFields(raw);
  const protocols = fields.filter(([name]) => name === "upgrade").map(([, value]) => value.trim().toLowerCase());
  if (protocols.length !== 1 || protocols[0] !== asked) throw new EgressError("upstream.malformed", "switched to another protocol than asked for");
  refuseBody(101, fields, fields.filter(([name]) => name === "transfer-encoding").length);
  return fields.filter(([name]) => !HOP_BY_HOP.has(name) || name === "upgrade" || name === "connection");
}

/** Trailer fields; those that would change framing, routing or authority are dropped (RFC 9110 §6.5.1). */
export function readTrailers(raw: RawFields): HeaderList {
  const fields = readFields(raw);
  if (fields.length === 0) return fields;
  return fields.filter(([name]) => !HOP_BY_HOP.has(name) && !FORBIDDEN_TRAILERS.has(name));
}

const FORBIDDEN_TRAILERS: ReadonlySet<string> = new Set([
  "authorization", "cache-control", "content-encoding", "content-length", "content-range", "content-type", "host", "location", "set-cookie",
  "www-authenticate",
]);

function refuseBody(status: number, fields: HeaderList, codings: number): void {
  const length = fields.find(([name]) => name === "content-length")?.[1];
  if (codings > 0 || (length !== undefined && Number(length) !== 0)) throw new EgressError("upstream.malformed", `status ${status} with a body`);
}

function text(part: Buffer | string | undefined): string {
  return part === undefined ? "" : typeof part === "string" ? part : part.toString("latin1");
}
