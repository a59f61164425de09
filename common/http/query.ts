/**
 * The parameters of a query in order, split and not decoded; a name without `=` has an empty value, and what is between two `&` and nothing is none.
 * @param query without its question mark; null for none
 */
export function queryPairs(query: string | null): readonly (readonly [name: string, value: string])[] {
  if (query === null) return [];
  return query.split("&").filter((pair) => pair !== "").map((pair) => {
    const equals = pair.indexOf("=");
    return equals === -1 ? [pair, ""] as const : [pair.slice(0, equals), pair.slice(equals + 1)] as const;
  });
}

/** A name or a value as forms write it: `+` is a space. `decoded` is null for an escape that is none, or that is not UTF-8. */
export function decodeParameter(text: string): { readonly spaced: string; readonly decoded: string | null } {
  const spaced = text.replaceAll("+", " ");
  if (!spaced.includes("%")) return { spaced, decoded: spaced };
  try {
    return { spaced, decoded: decodeURIComponent(spaced) };
  } catch {
    return { spaced, decoded: null };
  }
}
