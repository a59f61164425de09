import { Secret } from "../../common/secret.ts";
import { isCredentialParameter, keptParameters, plainParameterName } from "../model/credential-places.ts";
import type { Loan } from "../model/loan.ts";
import type { OutboundHead, RequestHead } from "../model/request.ts";

/**
 * Path and query as they are sent when something is lent: the agent's parameters that say who is asking go, and all of a name that is set, however
 * it is written; the others keep their place and their spelling. Lent values come last, percent-encoded (RFC 3986 §2.3).
 */
export function lentTarget({ path, query, host }: RequestHead, loan: Loan): OutboundHead["target"] {
  const displaced = new Set(loan.query.map(([name]) => plainParameterName(name)));
  const kept = query === null ? null : keptParameters(query, (pair) => {
    const name = plainParameterName(pair);
    return !displaced.has(name) && (loan.judgesQuery || !isCredentialParameter(name, host));
  });
  const lent = loan.query.map(([name, value]) => `${encode(name)}=${encode(value.reveal())}`);
  const pairs = [...(kept === null ? [] : [kept]), ...lent];
  const target = pairs.length === 0 ? path : `${path}?${pairs.join("&")}`;
  return lent.length === 0 ? target : new Secret(target);
}

/** Everything but the unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
