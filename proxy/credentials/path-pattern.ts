const KEPT_SLASH = /%2f/i;

/**
 * Whether a text is a path pattern: `/` and segments; `*` stands for exactly one segment, `**` at the end for any number, none too. Stars inside
 * a segment are refused: they look like a glob and would not act like one. A slash that stays inside a segment is written: `*%2F*`.
 */
export function isPathPattern(pattern: string): boolean {
  if (!pattern.startsWith("/") || /[\s?#\\\x00-\x1f\x7f]/.test(pattern)) return false;
  const segments = segmentsOf(pattern);
  return segments.every((segment, index) => {
    if (segment === "**") return index === segments.length - 1;
    const names = segment.split(KEPT_SLASH);
    return names.every((name) => name === "*" || (name !== "." && name !== ".." && !name.includes("*") && (name !== "" || (names.length === 1 && index === segments.length - 1))));
  });
}

/** Whether a canonical path (RequestHead.path) is one that the pattern stands for. Case counts, and so does a slash at the end. */
export function matchesPath(pattern: string, path: string): boolean {
  if (!path.startsWith("/")) return false;
  const wanted = segmentsOf(pattern);
  const given = segmentsOf(path);
  if (wanted.at(-1) === "**") wanted.pop();
  else if (wanted.length !== given.length) return false;
  return wanted.every((segment, index) => fits(segment, given[index]));
}

/** An asterisk is a name that is there, and no slash that a server may decode. */
function fits(wanted: string, given: string | undefined): boolean {
  const names = given?.split(KEPT_SLASH) ?? [];
  const patterns = wanted.split(KEPT_SLASH);
  return names.length === patterns.length && patterns.every((pattern, index) => (pattern === "*" ? names[index] !== "" : pattern === names[index]));
}

/**
 * Whether a canonical path may be one that a pattern leaves out. In doubt it is: servers disagree about letter case, a slash at the end, `%2F`, path
 * parameters (`;a=b`) and a format at the end (`.json`), so that none of these tells a path from the pattern.
 */
export function mayMatchPath(pattern: string, path: string): boolean {
  const wanted = segmentsOf(pattern.toLowerCase()).filter((segment) => segment !== "");
  const hasRest = wanted.at(-1) === "**" && wanted.pop() !== undefined;
  const whole = segmentsOf(path).map(plain);
  return [whole, whole.join("/").split("/")].some((readings) => {
    const given = readings.filter((segment) => segment !== "");
    if (given.length < wanted.length || (!hasRest && given.length > wanted.length)) return false;
    return wanted.every((segment, index) => segment === "*" || segment === given[index] || segment === given[index]?.replace(/\.[a-z]{1,8}$/, ""));
  });
}

/** Lower case, without escapes of ASCII and without path parameters. */
function plain(segment: string): string {
  return segment.replace(/%([0-7][0-9A-F])/gi, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))).toLowerCase().replace(/;.*$/s, "");
}

function segmentsOf(path: string): string[] {
  return path.slice(1).split("/");
}
