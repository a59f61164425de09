import { EgressError } from "../errors.ts";

/** A refusal because of how a request is made, not of where it goes: the agent reads the rule, why, and what to do instead. */
export function unfit(rule: string, reason: string, hint: string): EgressError {
  return new EgressError("credential.misdirected", `${rule}: ${reason}`, { explanation: { rule, reason, hint } });
}
