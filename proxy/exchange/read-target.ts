import { EgressError } from "../errors.ts";

/** A request target in its one form: what policy sees is what is sent. */
export interface Target {
  /** Starts with `/`; or is `*`. */
  readonly path: string;
  /** Decoded; `/v1/a%20b` = ["v1", "a b"], `/v1/` = ["v1", ""], `/` = []. */
  readonly segments: readonly string[];
  /** As sent, without the question mark; null if there was none. */
  readonly query: string | null;
}

const VISIBLE = /^[\x21-\x7e]+$/;
/** Nothing to normalise: no escape, no empty segment, no segment that begins with a dot or a semicolon. */
const PLAIN_PATH = /^(?:\/[A-Za-z0-9\-_~!$&'()*+,=:@][A-Za-z0-9.\-_~!$&'()*+,;=:@]*)*\/?$/;
const UNRESERVED = /[A-Za-z0-9\-._~]/;
const ESCAPE = /%([0-9A-Fa-f]{2})?/g;

/**
 * Normalises a path once (RFC 3986 §6.2.2): escapes of unreserved characters are decoded, the others upper-cased, dot segments resolved,
 * empty segments dropped. What servers are known to disagree about is refused: backslash, `%5C`, escaped controls, `..;`, `..` above
 * the root, and `%2F` unless it is kept as data with names on both sides.
 * @param target path and query, as sent @throws EgressError `request.malformed`
 */
export function readTarget(target: string, encodedSlash: "refuse" | "keep"): Target {
  if (!VISIBLE.test(target) || target.includes("#")) throw malformed("a character that a target may not have");
  const mark = target.indexOf("?");
  const path = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? null : target.slice(mark + 1);
  if (!path.startsWith("/")) throw malformed("the path does not start with a slash");
  if (PLAIN_PATH.test(path)) return { path, segments: path === "/" ? [] : path.slice(1).split("/"), query };
  const segments = resolveDots(canonicalEscapes(path, encodedSlash));
  return { path: `/${segments.join("/")}`, segments: segments.length === 1 && segments[0] === "" ? [] : segments.map(decode), query };
}

function canonicalEscapes(path: string, encodedSlash: "refuse" | "keep"): string {
  if (path.includes("\\")) throw malformed("a backslash in the path");
  return path.replace(ESCAPE, (escape, hex: string | undefined) => {
    if (hex === undefined) throw malformed("a percent sign that is no escape");
    const code = Number.parseInt(hex, 16);
    const character = String.fromCharCode(code);
    if (UNRESERVED.test(character)) return character;
    if (code < 0x20 || code === 0x7f || character === "\\") throw malformed(`${escape} in the path`);
    if (character === "/" && encodedSlash === "refuse") throw malformed(`${escape} in the path`);
    return `%${hex.toUpperCase()}`;
  });
}

function resolveDots(path: string): string[] {
  const resolved: string[] = [];
  const segments = path.slice(1).split("/");
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    if (segment.includes("%2F") && segment.split("%2F").some(isDots)) throw malformed("an escaped slash beside dots, or beside nothing");
    const bare = segment.split(";", 1)[0] ?? "";
    if (bare !== segment && (bare === "" || bare === "." || bare === "..")) throw malformed("a path parameter on an empty or dot segment");
    if (segment === "..") {
      if (resolved.pop() === undefined) throw malformed("dot segments lead above the root");
    } else if (segment !== "." && segment !== "") {
      resolved.push(segment);
      continue;
    }
    if (isLast) resolved.push("");
  }
  return resolved;
}

/** Whoever decodes the slash first would go up, or elsewhere. */
function isDots(part: string): boolean {
  const bare = part.split(";", 1)[0];
  return bare === "" || bare === "." || bare === "..";
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new EgressError("request.malformed", "a path escape that is not UTF-8", { cause });
  }
}

function malformed(detail: string): EgressError {
  return new EgressError("request.malformed", detail);
}
