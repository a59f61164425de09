import { EgressError } from "../errors.ts";

/** Why there is no reading. @property why ends a sentence that begins with "not read:"; our words alone */
export interface Problem {
  readonly kind: "none";
  readonly why: string;
}

/** What one way of reading makes of a body: its parts, at least one, or why it is none of these. */
export type Read<T> = { readonly kind: "read"; readonly parts: readonly T[] } | Problem;

export function none(why: string): Problem {
  return { kind: "none", why };
}

/** A request that two readers could understand in two ways. @param what ends a sentence; our words alone */
export function malformed(what: string): EgressError {
  const reason = `The policy reads this request before it decides, and it can be read in more than one way: ${what}.`;
  return new EgressError("request.malformed", what, { explanation: { rule: "read.unclear", reason, hint: "Send it in the plain form, each thing said once." } });
}
