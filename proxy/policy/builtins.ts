import { createHash } from "node:crypto";
import ipaddr from "ipaddr.js";
import { sprintf } from "./builtins/sprintf.ts";
import type { Builtin } from "./wasm-instance.ts";

/**
 * Builtins of Rego that the WebAssembly of OPA leaves to its host and that policies need. Each gives what `opa eval` gives for the same
 * arguments (test/policy/builtins.test.ts); where OPA is undefined, so is the answer. None reads anything but its arguments, except the
 * clock, which stands still during one evaluation.
 */



/** @param nowMs wall clock of the evaluation under way, in milliseconds */
export function builtinsAt(nowMs: () => number): Readonly<Record<string, Builtin>> {
  return { "time.now_ns": () => BigInt(Math.trunc(nowMs())) * 1_000_000n, ...PURE_BUILTINS };
}

const PURE_BUILTINS = {
  sprintf,
  "time.parse_rfc3339_ns": (text: string) => parseRfc3339(text),
  "time.weekday": (ns: number) => WEEKDAYS[dateOf(ns).getUTCDay()],
  "time.date": (ns: number) => [dateOf(ns).getUTCFullYear(), dateOf(ns).getUTCMonth() + 1, dateOf(ns).getUTCDate()],
  "time.clock": (ns: number) => [dateOf(ns).getUTCHours(), dateOf(ns).getUTCMinutes(), dateOf(ns).getUTCSeconds()],
  "semver.is_valid": (text: unknown) => typeof text === "string" && SEMVER.test(text),
  "semver.compare": (a: string, b: string) => compareVersions(a, b),
  "net.cidr_is_valid": (text: unknown) => typeof text === "string" && ipaddr.isValidCIDR(text),
  "glob.quote_meta": (text: string) => text.replace(/[*?\\[\]{}]/g, "\\$&"),
  "hex.encode": (text: string) => Buffer.from(text).toString("hex"),
  "hex.decode": (text: string) => (/^(?:[0-9a-fA-F]{2})*$/.test(text) ? Buffer.from(text, "hex").toString() : undefined),
  "crypto.sha256": (text: string) => createHash("sha256").update(text).digest("hex"),
  "base64url.encode_no_pad": (text: string) => Buffer.from(text).toString("base64url"),
  "urlquery.encode": (text: string) => encodeQuery(text),
  "urlquery.decode": (text: string) => decodeQuery(text),
} as unknown as Record<string, Builtin>;

/** Names of the builtins above, for the compiler's capabilities. */
export const HOST_BUILTINS: readonly string[] = ["time.now_ns", ...Object.keys(PURE_BUILTINS)];

const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

function dateOf(ns: number): Date {
  return new Date(Math.floor(Number(ns) / 1e6));
}

const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** Nanoseconds of an RFC 3339 time; undefined if it is none. */
function parseRfc3339(text: string): bigint | undefined {
  const [, seconds, fraction = "", zone] = RFC3339.exec(text) ?? [];
  const ms = Date.parse(`${seconds}${zone}`);
  if (seconds === undefined || Number.isNaN(ms)) return undefined;
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

/** Semantic Versioning 2.0.0, the grammar of its §2, §9 and §10; a leading `v` is let through, as OPA does. */
const IDENTIFIER = String.raw`(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)`;
const SEMVER = new RegExp(String.raw`^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-(${IDENTIFIER}(?:\.${IDENTIFIER})*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$`);

/** Precedence by Semantic Versioning §11: -1, 0 or 1; undefined if either is no version. */
function compareVersions(a: string, b: string): number | undefined {
  const [left, right] = [SEMVER.exec(a), SEMVER.exec(b)];
  if (left === null || right === null) return undefined;
  for (const part of [1, 2, 3]) {
    const [x, y] = [BigInt(left[part] ?? 0), BigInt(right[part] ?? 0)];
    if (x !== y) return x < y ? -1 : 1;
  }
  return comparePrereleases(left[4], right[4]);
}

function comparePrereleases(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  const [left, right] = [a.split("."), b.split(".")];
  for (const [index, x] of left.entries()) {
    const y = right[index];
    if (y === undefined) return 1;
    const order = compareIdentifiers(x, y);
    if (order !== 0) return order;
  }
  return left.length < right.length ? -1 : 0;
}

function compareIdentifiers(a: string, b: string): number {
  if (a === b) return 0;
  const [aIsNumber, bIsNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (aIsNumber && bIsNumber) return BigInt(a) < BigInt(b) ? -1 : 1;
  if (aIsNumber !== bIsNumber) return aIsNumber ? -1 : 1;
  return a < b ? -1 : 1;
}

/** Escapes everything but letters, digits and `-_.~`; a space is a plus sign, as in Go. */
function encodeQuery(text: string): string {
  const percentEncoded = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(/[!'()*]/g, percentEncoded).replaceAll("%20", "+");
}

function decodeQuery(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}
