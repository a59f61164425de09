import { isIP } from "node:net";
import { addressToBytes } from "../../common/address-bytes.ts";
import { rangeText, readRange } from "../../common/address-range.ts";

/** What a host pattern covers: the name itself, names with one label more, or names with one label more or several. */
export type HostPattern = { readonly depth: "exact" | "one" | "many"; readonly name: string };

/** Path pattern, decoded: null stands for any one segment that is there; `rest` for whatever follows, nothing included. */
export interface PathPattern {
  readonly segments: readonly PathSegment[];
  readonly rest: boolean;
}

/** Whole text, any one segment, or a regular expression (RE2) for a segment with an asterisk beside other letters. */
export type PathSegment = string | null | { readonly like: string };

/** Null stands for every value. */
export interface AgentPattern {
  readonly namespace: string | null;
  readonly name: string | null;
}

/** Labels of host names as DNS has them, with the underscore that service names use. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const AGENT_PART = /^(?:\*|[A-Za-z0-9._-]{1,253})$/;

/** Reads `api.example.com`, `*.example.com`, `**.example.com` or `**`. @throws Error saying what is wrong with it */
export function parseHostPattern(text: string): HostPattern {
  if (text === "*") return { depth: "one", name: "" };
  if (text === "**") return { depth: "many", name: "" };
  const depth = text.startsWith("**.") ? "many" : text.startsWith("*.") ? "one" : "exact";
  const name = depth === "exact" ? text : text.slice(text.indexOf(".") + 1);
  if (isIP(name) !== 0 || /^[0-9.]+$/.test(name)) throw new Error("is an address; put it under `addresses`");
  if (name.includes("*")) throw new Error("a wildcard is the whole first label only: `*.example.com` or `**.example.com`");
  if (name !== name.toLowerCase()) throw new Error("host names are written in lower case");
  if (name.endsWith(".")) throw new Error("host names are written without a trailing dot");
  if (name.length > 253 || !name.split(".").every((label) => LABEL.test(label))) {
    throw new Error("is not a host name; names outside ASCII are written in their `xn--` form, ports go under `ports`");
  }
  return { depth, name };
}

/**
 * Reads `/v1/models`, `/repos/*`, `/files/*.txt`, `/repos/**` or `/@*%2F*`: an asterisk is at least one character and never a slash, and an escaped slash that
 * stays inside its segment (`exchange.encodedSlash: keep`) is covered only where it is written.
 * @throws Error saying what is wrong with it
 */
export function parsePathPattern(text: string): PathPattern {
  const { fixed, rest } = splitPath(text);
  return { segments: fixed.map((part) => segmentOf(part.replaceAll(KEPT_SLASH, "/"), "[^/]+")), rest };
}

/**
 * The same path for a deny, in the plain form in which the library compares it: lower case, split at every slash, without path parameters and without what
 * stands behind the last slash.
 * @throws Error saying what is wrong with it
 */
export function parseRefusedPath(text: string): PathPattern {
  const { fixed, rest } = splitPath(text);
  const parts = fixed.flatMap((part) => part.split(KEPT_SLASH)).map((part) => part.toLowerCase().split(";", 1)[0] ?? "");
  return { segments: parts.filter((part) => part !== "").map((part) => segmentOf(part, "[^/]*")), rest };
}

const KEPT_SLASH = /%2f/gi;
/** More would make a long segment dear to compare. */
const ASTERISKS_LIMIT = 3;

/** @param asterisk what it stands for, as a regular expression */
function segmentOf(part: string, asterisk: string): PathSegment {
  if (part === "*") return null;
  return part.includes("*") ? { like: `\\A${part.split("*").map(quoteExpression).join(asterisk)}\\z` } : part;
}

/** RE2 takes every punctuation character behind a backslash for itself (RE2 syntax, "escape sequences"). */
export const quoteExpression = (text: string): string => text.replaceAll(/[\\.+*?()|[\]{}^$]/g, String.raw`\$&`);

function splitPath(text: string): { readonly fixed: readonly string[]; readonly rest: boolean } {
  if (!text.startsWith("/")) throw new Error("a path starts with /");
  if (/[?#]/.test(text)) throw new Error("a path has neither query nor fragment");
  if (/%(?!2f)/i.test(text)) throw new Error("a path is written decoded; the only escape is %2F, for a slash inside a segment");
  const parts = text === "/" ? [] : text.slice(1).split("/");
  const rest = parts.at(-1) === "**";
  const fixed = rest ? parts.slice(0, -1) : parts;
  if (fixed.some((part) => part.includes("**") || part.split("*").length > ASTERISKS_LIMIT + 1)) {
    throw new Error(`\`*\` stands inside one segment, at most ${ASTERISKS_LIMIT} times; \`**\` is the rest and only at the end`);
  }
  if (fixed.slice(0, -1).includes("") || (rest && fixed.includes(""))) throw new Error("a path has no empty segments");
  const pieces = fixed.map((part) => part.split(KEPT_SLASH));
  if (pieces.flat().some((piece) => piece === "." || piece === "..")) throw new Error("a path has no dot segments");
  if (pieces.some((split) => split.length > 1 && split.includes(""))) throw new Error("a path has something on both sides of %2F");
  return { fixed, rest };
}

/** Reads `namespace/name`, each an exact value or `*`. @throws Error saying what is wrong with it */
export function parseAgentPattern(text: string): AgentPattern {
  const parts = text.split("/");
  const [namespace, name] = parts;
  if (parts.length !== 2 || namespace === undefined || name === undefined || !AGENT_PART.test(namespace) || !AGENT_PART.test(name)) {
    throw new Error("an agent is written `namespace/name`, either part may be `*`");
  }
  return { namespace: namespace === "*" ? null : namespace, name: name === "*" ? null : name };
}

/** Checks a range such as `10.0.0.0/8`; host bits must be zero. @throws Error saying what is wrong with it */
export function parseCidr(text: string): string {
  const range = readRange(text);
  if (range === null) throw new Error("is not an address range such as 10.0.0.0/8 or 10.1.2.3/32");
  const written = rangeText(range);
  if (!addressToBytes(text.slice(0, text.indexOf("/"))).equals(range.first)) throw new Error(`the range begins at ${written}`);
  return written;
}
