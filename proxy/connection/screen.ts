import { EgressError } from "../errors.ts";
import { destinationHost, type Classified, type Screened } from "../model/connection.ts";
import type { Decision } from "../model/decision.ts";

/**
 * in: Classified and its Decision · out: Screened · ends early with: policy.denied · next: intercept.ts or tunnel.ts
 *
 * Decides by name and port only, before any certificate is minted: a refused host must cost no key operation. Bytes that the boundary
 * cannot read pass only where policy says `tunnel`.
 */
export function screen(classified: Classified, decision: Decision): Screened {
  if (decision.kind === "deny") {
    const { rule, reason, hint } = decision;
    throw new EgressError("policy.denied", reason, { explanation: { rule, reason, hint } });
  }
  if (classified.wire.kind === "opaque" && decision.handling !== "tunnel") throw unreadable(classified, decision.rule);
  return { ...classified, handling: decision.handling, decision };
}

function unreadable({ destination }: Classified, rule: string): EgressError {
  const reason = "The protocol is neither TLS nor HTTP/1, and the rule does not allow it to pass unread.";
  const hint = `Allow handling "tunnel" for ${destinationHost(destination)} port ${destination.port} if these bytes may pass unread.`;
  return new EgressError("policy.denied", reason, { explanation: { rule, reason, hint } });
}
