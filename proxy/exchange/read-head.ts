import { EgressError } from "../errors.ts";
import type { Destination, Opened } from "../model/connection.ts";
import { destinationHost } from "../model/connection.ts";
import type { BodyFraming, RawHead, RequestHead } from "../model/request.ts";
import { FIELD_NAME, NOT_PLAIN_VALUE, isForwarding, isHopByHop, listMembers, mayTrail } from "./header-rules.ts";
import { canonicalIPv6, readAuthority } from "./read-authority.ts";
import type { Authority } from "./read-authority.ts";
import { readTarget } from "./read-target.ts";

/** What the connection has settled: a request on it may name nothing else. */
export type HeadContext = Pick<Opened, "destination" | "scheme" | "wire">;

/** The fields that decide framing and routing, gathered in one pass; each with every occurrence. */
interface Fields {
  readonly passed: [name: string, value: string][];
  readonly host: string[];
  readonly contentLength: string[];
  readonly transferEncoding: string[];
  readonly connection: string[];
  readonly upgrade: string[];
  readonly expect: string[];
  readonly te: string[];
  readonly trailer: string[];
  readonly webSocket: Map<string, string>;
}

const METHOD = /^[A-Z]{1,20}(?:-[A-Z]{1,20}){0,2}$/;
/** TRACE answers with the request it got, credentials included; CONNECT asks for a way around this path. */
const NEVER_FORWARDED = new Set(["TRACE", "TRACK", "CONNECT"]);
const DIGITS = /^\d{1,16}$/;
/** Base64 of 16 bytes (RFC 6455 §4.1). */
const WEB_SOCKET_KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
const ABSOLUTE_FORM = /^(https?):\/\/([^/?]*)(.*)$/i;
const DEFAULT_PORT = { https: 443, http: 80 } as const;

/**
 * in: RawHead, connection · out: RequestHead · ends early with: request.malformed, request.expectation, destination.mismatch · next: decide.ts
 *
 * Pure, on the fields exactly as received: what two parsers could read differently is refused here, so that policy, record and destination
 * see one request. Hop-by-hop fields go before anything is injected, so that no `Connection` list can take an injected field away.
 * @param hasBody whether the protocol says that a body follows
 */
export function readHead(raw: RawHead, hasBody: boolean, context: HeadContext, encodedSlash: "refuse" | "keep"): RequestHead {
  const method = readMethod(raw);
  const fields = readFields(raw);
  const framing = readFraming(raw, fields, hasBody);
  const { authority, rest } = readDestination(raw, fields, context);
  requireSameDestination(authority, context);
  const target = rest === "*" ? readAsterisk(method) : readTarget(rest, encodedSlash);
  requireLawfulTrailers(fields);
  return {
    httpVersion: raw.httpVersion, method, scheme: context.scheme, host: authority.host, port: context.destination.port,
    path: target.path, segments: target.segments, query: target.query,
    headers: forwardable(fields, raw.httpVersion), framing,
    expectsContinue: readExpectation(raw, fields), upgrade: readUpgrade(raw, method, fields, framing),
  };
}

function readMethod(raw: RawHead): string {
  if (!METHOD.test(raw.method)) throw malformed("not a method");
  if (NEVER_FORWARDED.has(raw.method)) throw malformed(`${raw.method} is not forwarded`);
  return raw.method;
}

function readFields(raw: RawHead): Fields {
  const fields: Fields = {
    passed: [], host: [], contentLength: [], transferEncoding: [], connection: [], upgrade: [], expect: [], te: [], trailer: [], webSocket: new Map(),
  };
  const { rawHeaders } = raw;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const written = rawHeaders[at] ?? "";
    const value = rawHeaders[at + 1] ?? "";
    if (!FIELD_NAME.test(written)) throw malformed("a field name that is no token");
    if (NOT_PLAIN_VALUE.test(value)) throw malformed(`a byte in ${written.toLowerCase()} that is not visible ASCII`);
    sortField(fields, written.toLowerCase(), value);
  }
  return fields;
}

function sortField(fields: Fields, name: string, value: string): void {
  switch (name) {
    case "host": fields.host.push(value); return;
    case "content-length": fields.contentLength.push(value); return;
    case "transfer-encoding": fields.transferEncoding.push(value); return;
    case "connection": fields.connection.push(...listMembers(value)); return;
    case "upgrade": fields.upgrade.push(value); return;
    case "expect": fields.expect.push(value); return;
    case "te": fields.te.push(...listMembers(value)); return;
    case "trailer": fields.trailer.push(...listMembers(value)); return;
    default:
      if (name.startsWith("sec-websocket-")) fields.webSocket.set(name, fields.webSocket.has(name) ? "" : value);
      fields.passed.push([name, value]);
  }
}

function readFraming(raw: RawHead, fields: Fields, hasBody: boolean): BodyFraming {
  const { contentLength, transferEncoding } = fields;
  if (transferEncoding.length > 0) {
    if (raw.httpVersion !== "1.1") throw malformed(`transfer-encoding on HTTP/${raw.httpVersion}`);
    if (contentLength.length > 0) throw malformed("content-length and transfer-encoding");
    if (transferEncoding.length > 1 || transferEncoding[0]?.toLowerCase() !== "chunked") throw malformed("a transfer-encoding other than chunked");
    return { kind: "chunked" };
  }
  if (contentLength.length > 1) throw malformed("several content-length fields");
  const length = contentLength[0];
  if (length === undefined) return hasBody ? { kind: "chunked" } : { kind: "none" };
  const bytes = DIGITS.test(length) ? Number(length) : Number.NaN;
  if (!Number.isSafeInteger(bytes)) throw malformed("not a content-length");
  return bytes === 0 ? { kind: "none" } : { kind: "length", bytes };
}

/** One destination from every place that can name one, and what is left of the target. */
function readDestination(raw: RawHead, fields: Fields, context: HeadContext): { authority: Authority; rest: string } {
  const authority = raw.httpVersion === "2" ? readHttp2Authority(raw, fields, context) : readHttp1Host(fields);
  if (raw.httpVersion === "2" || raw.target === "*" || raw.target.startsWith("/")) return { authority, rest: raw.target };
  const absolute = ABSOLUTE_FORM.exec(raw.target);
  if (absolute === null) throw malformed("a target that is neither a path nor a URL");
  const [, scheme = "", written = "", rest = ""] = absolute;
  if (scheme.toLowerCase() !== context.scheme) throw malformed("an absolute target with another scheme than its connection");
  if (!sameAuthority(readAuthority(written), authority, context)) throw malformed("an absolute target that differs from Host");
  return { authority, rest: rest.startsWith("/") ? rest : `/${rest}` };
}

function readHttp1Host(fields: Fields): Authority {
  const [host, second] = fields.host;
  if (host === undefined || second !== undefined) throw malformed(host === undefined ? "no Host field" : "several Host fields");
  return readAuthority(host);
}

function readHttp2Authority(raw: RawHead, fields: Fields, context: HeadContext): Authority {
  const [host, second] = fields.host;
  if (second !== undefined) throw malformed("several host fields");
  if (fields.connection.length + fields.upgrade.length > 0) throw malformed("a connection field on HTTP/2");
  if (raw.scheme !== context.scheme) throw malformed(":scheme is not the connection's");
  const written = raw.authority ?? host;
  if (written === undefined) throw malformed("neither :authority nor host");
  const authority = readAuthority(written);
  if (host !== undefined && !sameAuthority(readAuthority(host), authority, context)) throw mismatch("host differs from :authority");
  return authority;
}

function sameAuthority(one: Authority, other: Authority, context: HeadContext): boolean {
  const usual = DEFAULT_PORT[context.scheme];
  return one.host === other.host && one.isAddress === other.isAddress && (one.port ?? usual) === (other.port ?? usual);
}

/** SNI = Host or `:authority` = the name behind the dialled address, and one port. */
function requireSameDestination(authority: Authority, context: HeadContext): void {
  const { destination, scheme, wire } = context;
  if (authority.host !== canonicalHost(destination) || authority.isAddress !== (destination.kind === "address")) {
    throw mismatch(`request for ${authority.host} on a connection to ${destinationHost(destination)}`);
  }
  if ((authority.port ?? DEFAULT_PORT[scheme]) !== destination.port) {
    throw mismatch(`request for port ${authority.port ?? DEFAULT_PORT[scheme]} on a connection to port ${destination.port}`);
  }
  if (wire.kind === "tls" && wire.serverName !== null && wire.serverName !== authority.host) {
    throw mismatch(`request for ${authority.host} inside TLS for ${wire.serverName}`);
  }
}

function canonicalHost(destination: Destination): string {
  if (destination.kind === "name") return destination.name;
  return destination.address.includes(":") ? canonicalIPv6(destination.address) : destination.address;
}

function readAsterisk(method: string): { path: string; segments: readonly string[]; query: null } {
  if (method !== "OPTIONS") throw malformed(`target * with ${method}`);
  return { path: "*", segments: ["*"], query: null };
}

function requireLawfulTrailers(fields: Fields): void {
  const unlawful = fields.trailer.find((name) => !mayTrail(name));
  if (unlawful !== undefined) throw malformed(`a trailer may not set ${unlawful.slice(0, 40)}`);
}

function readExpectation(raw: RawHead, fields: Fields): boolean {
  if (fields.expect.length === 0 || raw.httpVersion === "1.0") return false;
  if (fields.expect.length > 1 || fields.expect[0]?.toLowerCase() !== "100-continue") {
    throw new EgressError("request.expectation", "an expectation other than 100-continue");
  }
  return true;
}

/** RFC 6455 §4.2.1. Any other upgrade is ignored and the request is treated as what it is without it (RFC 9110 §7.8). */
function readUpgrade(raw: RawHead, method: string, fields: Fields, framing: BodyFraming): "websocket" | null {
  const asked = fields.upgrade.flatMap(listMembers);
  const isWebSocket = asked.includes("websocket") && fields.connection.includes("upgrade");
  if (!isWebSocket) {
    if (fields.webSocket.has("sec-websocket-key") && raw.httpVersion !== "2") throw malformed("a WebSocket handshake without its upgrade");
    return null;
  }
  if (asked.length > 1 || raw.httpVersion !== "1.1" || method !== "GET" || framing.kind !== "none") throw malformed("not a WebSocket handshake");
  if (fields.webSocket.get("sec-websocket-version") !== "13") throw malformed("a WebSocket version other than 13");
  if (!WEB_SOCKET_KEY.test(fields.webSocket.get("sec-websocket-key") ?? "")) throw malformed("not a Sec-WebSocket-Key");
  return "websocket";
}

/** The agent's own fields that may travel on. `te: trailers` does (RFC 9110 §10.1.4): gRPC servers insist on it. */
function forwardable(fields: Fields, httpVersion: RawHead["httpVersion"]): [string, string][] {
  const listed = new Set(fields.connection);
  const travelling = fields.passed.filter(([name]) => !listed.has(name) && !isHopByHop(name) && !isForwarding(name));
  const headers = httpVersion === "2" ? oneCookieField(travelling) : travelling;
  if (fields.te.includes("trailers") && (httpVersion === "2" || listed.has("te"))) headers.push(["te", "trailers"]);
  return headers;
}

/** HTTP/2 may send a cookie in parts; no other version may (RFC 9113 §8.2.3). */
function oneCookieField(fields: [string, string][]): [string, string][] {
  const cookies = fields.filter(([name]) => name === "cookie");
  if (cookies.length < 2) return fields;
  return [...fields.filter(([name]) => name !== "cookie"), ["cookie", cookies.map(([, value]) => value).join("; ")]];
}

function malformed(detail: string): EgressError {
  return new EgressError("request.malformed", detail);
}

function mismatch(detail: string): EgressError {
  return new EgressError("destination.mismatch", detail);
}
