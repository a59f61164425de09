import { decodeParameter, queryPairs } from "../../common/http/query.ts";
import { EgressError } from "../errors.ts";

/**
 * The parameters of a query in order, decoded as forms are (`+` is a space). Strict, because what is read here stands for a whole request: servers disagree
 * about a broken escape.
 * @param query without its question mark
 * @throws EgressError `request.malformed` for an escape that is none
 */
export function strictQuery(query: string | null): readonly (readonly [name: string, value: string])[] {
  return queryPairs(query).map(([name, value]) => [required(name), required(value)] as const);
}

function required(text: string): string {
  const { decoded } = decodeParameter(text);
  if (decoded === null) throw new EgressError("request.malformed", "a query with an escape that is none");
  return decoded;
}
