import type { Duplex } from "node:stream";
import { ERROR_TABLE, refusalBody, type EgressError, type ErrorCode } from "../../errors.ts";
import { closeGently } from "../close-gently.ts";
import { fatalError, type ErrorFields } from "./encode.ts";
import { REQUEST } from "./protocol.ts";
import { readOpening } from "./read-packet.ts";
import { ServerRefusal } from "./server-error.ts";

/** SQLSTATE by the first part of our code, or by the whole of it (PostgreSQL documentation, appendix "Error Codes"). */
const SQL_STATE: Readonly<Record<string, string>> = {
  "budget.exhausted": "53400",
  "connection.limit": "53300",
  "credential.misdirected": "28000",
  "destination.forbidden": "28000",
  "identity.unavailable": "57P03",
  "policy.denied": "28000",
  "protocol.unsupported": "0A000",
  "draining": "57P03",
  "internal": "XX000",
  "identity": "28000",
  "destination": "28000",
  "wire": "08P01",
  "upstream": "08006",
  "relay": "08006",
};
/** Not now: what is missing may be there a moment later. */
const UNAVAILABLE = "57P03";

/** A refusal as PostgreSQL says it: the rule that decided, and what to do about it. */
export function errorFields(error: EgressError, requestId: string): ErrorFields {
  const { cause } = error;
  if (cause instanceof ServerRefusal) return { sqlState: cause.sqlState, message: cause.says, detail: `Weir request ${requestId}.`, hint: "" };
  const { rule, reason, hint } = refusalBody(error, requestId);
  return {
    sqlState: sqlStateOf(error.code), message: `${ERROR_TABLE[error.code].outcome} by the boundary: ${reason}`,
    detail: rule === null ? `Weir request ${requestId}.` : `Rule ${rule}. Weir request ${requestId}.`, hint: hint ?? "",
  };
}

/** How a session that does not begin is ended. */
export interface Telling {
  readonly requestId: string;
  readonly lingerMs: number;
}

/** Ends a session that has not begun, in a way that its client can show to somebody. Never throws. */
export async function tellClient(stream: Duplex, error: EgressError, { requestId, lingerMs }: Telling): Promise<void> {
  await closeGently(stream, fatalError(errorFields(error, requestId)), lingerMs);
}

/**
 * The same before the client was let speak. It costs no certificate: whoever asks for TLS is told that there is none, and who goes on
 * without is told why. Who does not go on wanted it so.
 * @throws EgressError if the client says nothing that can be answered
 */
export async function tellRefused(stream: Duplex, error: EgressError, { requestId, lingerMs }: Telling): Promise<void> {
  for (const _request of [REQUEST.ssl, REQUEST.gssEncryption, null]) {
    const { code } = await readOpening(stream, { deadlineMs: lingerMs, signal: AbortSignal.timeout(2 * lingerMs) });
    if (code === REQUEST.cancel) return closeGently(stream, Buffer.alloc(0), lingerMs);
    if (code !== REQUEST.ssl && code !== REQUEST.gssEncryption) return tellClient(stream, error, { requestId, lingerMs });
    stream.write("N");
  }
}

function sqlStateOf(code: ErrorCode): string {
  return SQL_STATE[code] ?? SQL_STATE[code.split(".")[0] ?? ""] ?? UNAVAILABLE;
}
