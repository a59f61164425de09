import { Secret } from "../../common/secret.ts";
import { isCredentialParameter } from "../model/credential-places.ts";
import type { Loan } from "../model/loan.ts";
import type { OutboundHead, RequestHead } from "../model/request.ts";

/**
 * Path and query as they are sent when something is lent: the agent's parameters that say who is asking go, and all of a name that is set, however
 * it is written; the others keep their place and their spelling. Lent values come last, percent-encoded (RFC 3986 §2.3).
 */
export function lentTarget({ path, query, host }: RequestHead, loan: Loan): OutboundHead["target"] {
  const displaced = new Set(loan.query.map(([name]) => name.toLowerCase()));
  const kept = (query?.split("&") ?? []).filter((pair) => {
    const name = parameterName(pair);
    return !displaced.has(name.toLowerCase()) && (loan.judgesQuery || !isCredentialParameter(name, host));
  });
  const lent = loan.query.map(([name, value]) => `${encode(name)}=${encode(value.reveal())}`);
  const pairs = [...kept, ...lent];
  const target = pairs.length === 0 ? path : `${path}?${pairs.join("&")}`;
  return lent.length === 0 ? target : new Secret(target);
}

/** As servers read it: `+` is a space, and an escape that is none stays as it is. */
function parameterName(pair: string): string {
  const equals = pair.indexOf("=");
  const name = (equals === -1 ? pair : pair.slice(0, equals)).replaceAll("+", " ");
  if (!name.includes("%")) return name;
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Everything but the unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
