import { unreachable } from "../../common/unreachable.ts";
import { EgressError } from "../errors.ts";
import { destinationHost, POSTGRES_ALPN, type Classified, type Screened } from "../model/connection.ts";
import type { Allow, Handling, Verdict } from "../model/decision.ts";

/**
 * in: Classified and its Verdict · out: Screened · ends early with: policy.denied · next: intercept.ts, tunnel.ts or postgres/
 *
 * Decides by name and port only, before any certificate is minted: a refused host must cost no key operation. Bytes that the boundary
 * cannot read pass only where policy says `tunnel`.
 */
export function screen<T extends Classified>(classified: T, decision: Verdict): T & Screened {
  if (decision.kind === "deny") {
    const { rule, reason, hint } = decision;
    throw new EgressError("policy.denied", reason, { explanation: { rule, reason, hint } });
  }
  if (!isReadable(classified, decision.handling)) throw unreadable(classified, decision);
  return { ...classified, handling: decision.handling, decision };
}

/** Whether the boundary can do with these bytes what the rule says. */
function isReadable({ wire }: Classified, handling: Handling): boolean {
  switch (handling) {
    case "tunnel": return true;
    case "intercept": return wire.kind === "tls" || wire.kind === "http";
    case "postgres": return wire.kind === "postgres" || (wire.kind === "tls" && wire.alpn.includes(POSTGRES_ALPN));
    default: return unreachable(handling);
  }
}

function unreadable({ destination }: Classified, { handling, rule }: Allow): EgressError {
  const read = handling === "postgres" ? "not PostgreSQL" : "neither TLS nor HTTP/1";
  const reason = `The protocol is ${read}, and the rule does not allow it to pass unread.`;
  const hint = `Allow handling "tunnel" for ${destinationHost(destination)} port ${destination.port} if these bytes may pass unread.`;
  return new EgressError("policy.denied", reason, { explanation: { rule, reason, hint } });
}
