import { EgressError } from "../errors.ts";

/**
 * The parameters of a query in order, decoded as forms are (`+` is a space).
 * @param query without its question mark
 * @throws EgressError `request.malformed` for an escape that is none
 */
export function queryPairs(query: string | null): readonly (readonly [name: string, value: string])[] {
  if (query === null) return [];
  return query.split("&").filter((pair) => pair !== "").map((pair) => {
    const equals = pair.indexOf("=");
    return equals === -1 ? [decoded(pair), ""] as const : [decoded(pair.slice(0, equals)), decoded(pair.slice(equals + 1))] as const;
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch (cause) {
    throw new EgressError("request.malformed", "a query with an escape that is none", { cause });
  }
}
