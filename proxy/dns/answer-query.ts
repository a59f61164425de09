import type { EgressError } from "../errors.ts";
import { isHostName } from "../model/host-name.ts";
import type { NameBook } from "../names/name-book.ts";
import type { Answer } from "./encode-answer.ts";
import type { Malformed, Query } from "./parse-query.ts";
import { EXTENDED_ERROR, RCODE, TYPE, type Rcode } from "./wire.ts";

/**
 * in: an allowed Query · out: Answer · ends early with: name.flood · next: encode-answer.ts
 *
 * Gives the synthetic address that stands for the name; nobody is asked. Every other type has no records: HTTPS and SVCB records would carry
 * addresses and keys past the boundary, and all others could carry data.
 */
export function answerQuery(query: Query, instance: string, names: NameBook, ttlSeconds: number): Answer {
  const family = query.type === TYPE.a ? 4 : query.type === TYPE.aaaa ? 6 : null;
  const address = family === null || !isHostName(query.name) ? null : names.addressFor(instance, query.name, family);
  return { ...echo(query), rcode: RCODE.noError, address, ttlSeconds, extendedError: null };
}

/** What an agent gets for a query that was read and not answered: a denied name looks as if it did not exist, and says why where it can. */
export function refuseQuery(query: Query, error: EgressError, ttlSeconds: number): Answer {
  const { explanation } = error;
  const extendedError = error.code === "policy.denied"
    ? { code: EXTENDED_ERROR.prohibited, text: explanation === undefined ? "denied by policy" : `${explanation.rule}: ${explanation.reason}` }
    : null;
  return { ...echo(query), rcode: rcodeOf(error), address: null, ttlSeconds, extendedError };
}

/** The answer to a message that is no acceptable query; null if there is nothing safe to say. */
export function refuseMalformed({ id, repeatedFlags, question, rcode }: Malformed, ttlSeconds: number): Answer | null {
  if (rcode === null) return null;
  return { id, repeatedFlags, question, hasEdns: rcode === RCODE.badVers, rcode, address: null, ttlSeconds, extendedError: null };
}

function echo({ id, repeatedFlags, question, hasEdns }: Query): Pick<Answer, "id" | "repeatedFlags" | "question" | "hasEdns"> {
  return { id, repeatedFlags, question, hasEdns };
}

function rcodeOf(error: EgressError): Rcode {
  if (error.code === "policy.denied") return RCODE.nxDomain;
  return error.outcome === "denied" ? RCODE.refused : RCODE.servFail;
}
