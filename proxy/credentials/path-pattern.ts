/**
 * Whether a text is a path pattern: `/` and segments; `*` stands for exactly one segment, `**` at the end for any number, none too. Stars inside
 * a segment are refused: they look like a glob and would not act like one.
 */
export function isPathPattern(pattern: string): boolean {
  if (!pattern.startsWith("/") || /[\s?#\\\x00-\x1f\x7f]/.test(pattern)) return false;
  const segments = segmentsOf(pattern);
  return segments.every((segment, index) => {
    if (segment === "**") return index === segments.length - 1;
    return segment === "*" || (segment !== "." && segment !== ".." && !segment.includes("*") && (segment !== "" || index === segments.length - 1));
  });
}

/** Whether a canonical path (RequestHead.path) is one that the pattern stands for. Case counts, and so does a slash at the end. */
export function matchesPath(pattern: string, path: string): boolean {
  if (!path.startsWith("/")) return false;
  const wanted = segmentsOf(pattern);
  const given = segmentsOf(path);
  if (wanted.at(-1) === "**") wanted.pop();
  else if (wanted.length !== given.length) return false;
  return wanted.every((segment, index) => (segment === "*" ? given[index] !== undefined && given[index] !== "" : segment === given[index]));
}

function segmentsOf(path: string): string[] {
  return path.slice(1).split("/");
}
