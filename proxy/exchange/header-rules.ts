/** Which header fields mean something only between neighbours, and which lie about where a request came from. Pure data and predicates. */

/** Meant for the next hop only (RFC 9110 §7.6.1), or framing that the sender of each hop writes anew. */
const HOP_BY_HOP = new Set([
  "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "proxy-authentication-info",
  "te", "trailer", "transfer-encoding", "upgrade", "http2-settings",
]);

/** Say where a request came from, where it really goes or what it really does; destinations believe them, so no agent may set them. */
const FORWARDING = new Set([
  "forwarded", "via", "x-host", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "cf-connecting-ip", "fastly-client-ip",
  "x-rewrite-url", "x-http-host-override", "x-http-method", "x-http-method-override", "x-method-override",
]);
const FORWARDING_PREFIXES = ["x-forwarded-", "x-original-", "x-envoy-", "x-weir-"];

/** Fields that must not arrive after the body: framing, routing, authentication, payload processing (RFC 9110 §6.5.1). */
const FORBIDDEN_TRAILERS = new Set([
  ...HOP_BY_HOP, "host", "content-length", "content-encoding", "content-type", "content-range", "authorization", "cookie", "set-cookie",
  "www-authenticate", "cache-control", "expect", "max-forwards", "range", "age", "date", "expires", "location", "retry-after", "vary",
]);

export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name);
}

/** An underscore counts as a hyphen: CGI and its heirs make one variable of both. @param name lower case */
export function isForwarding(name: string): boolean {
  const plain = name.includes("_") ? name.replaceAll("_", "-") : name;
  if (plain === "x-forwarded" || FORWARDING.has(plain)) return true;
  return plain.startsWith("x-") && FORWARDING_PREFIXES.some((prefix) => plain.startsWith(prefix));
}

export function mayTrail(name: string): boolean {
  return !FORBIDDEN_TRAILERS.has(name) && !isForwarding(name);
}

/** A field name (RFC 9110 §5.6.2 `token`). */
export const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Anything but visible ASCII, space and tab. */
export const NOT_PLAIN_VALUE = /[^\t\x20-\x7e]/;
/** Anything that ends a line or a string somewhere; answers may carry 0x80 and up (RFC 9110 §5.5 `obs-text`). */
export const NOT_ANSWER_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** `a, B ,c` → a, b, c; empty members are dropped. */
export function listMembers(value: string): string[] {
  return value.toLowerCase().split(",").map((member) => member.trim()).filter((member) => member !== "");
}
