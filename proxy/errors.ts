/**
 * Every way an agent's connection, exchange or name can end early. `denied`: the agent may not (a refusal). `failed`: we could not (a failure).
 * `status` is for HTTP; on other wires the end is a TLS alert, a reset or a DNS code. `says` is all that the agent reads of a failure;
 * detail and cause go to log and audit. ARCHITECTURE.md lists the same codes (test/structure/error-table.test.ts).
 */
export const ERROR_TABLE = {
  "connection.limit": { status: 503, outcome: "failed", level: "warn", says: "Too many open connections for this agent." },
  "identity.missing": { status: 403, outcome: "denied", level: "warn", says: "The connection carries no identity." },
  "identity.malformed": { status: 403, outcome: "denied", level: "warn", says: "The connection's identity could not be read." },
  "identity.rejected": { status: 403, outcome: "denied", level: "warn", says: "The connection's identity is not valid here." },
  "identity.expired": { status: 403, outcome: "denied", level: "warn", says: "The connection's identity has expired." },
  "identity.unavailable": { status: 503, outcome: "failed", level: "error", says: "The connection's identity could not be checked." },
  "wire.silent": { status: 408, outcome: "failed", level: "info", says: "The connection sent nothing." },
  "wire.malformed": { status: 400, outcome: "denied", level: "info", says: "The first bytes of the connection are not acceptable." },
  "destination.unknown": { status: 421, outcome: "denied", level: "info", says: "The address stands for no name that this agent resolved; resolve it again." },
  "destination.mismatch": { status: 421, outcome: "denied", level: "warn", says: "The request names another destination than its connection." },
  "destination.forbidden": { status: 403, outcome: "denied", level: "warn", says: "The name resolves to an address that agents may not reach." },
  "policy.denied": { status: 403, outcome: "denied", level: "info", says: "The policy does not allow this." },
  "policy.unavailable": { status: 503, outcome: "failed", level: "error", says: "The policy could not be evaluated." },
  "approval.denied": { status: 403, outcome: "denied", level: "info", says: "A person refused this." },
  "approval.expired": { status: 403, outcome: "denied", level: "info", says: "A person had to allow this, and nobody did in time." },
  "approval.too-large": { status: 413, outcome: "denied", level: "info", says: "A person has to allow this, and it is more than one can be shown." },
  "approval.unavailable": { status: 503, outcome: "failed", level: "error", says: "A person has to allow this, and nobody could be asked." },
  "tls.rejected-by-agent": { status: 400, outcome: "failed", level: "info", says: "The client did not accept the certificate of the boundary." },
  "tls.malformed": { status: 400, outcome: "denied", level: "info", says: "The TLS handshake is not acceptable." },
  "protocol.unsupported": { status: 505, outcome: "denied", level: "info", says: "The protocol is not supported." },
  "request.malformed": { status: 400, outcome: "denied", level: "info", says: "The request is malformed." },
  "request.too-large": { status: 431, outcome: "denied", level: "info", says: "The request head is too large." },
  "request.body-limit": { status: 413, outcome: "denied", level: "info", says: "The request body is larger than the policy allows." },
  "request.expectation": { status: 417, outcome: "denied", level: "info", says: "The expectation is not supported." },
  "request.timeout": { status: 408, outcome: "failed", level: "info", says: "The request was not completed in time." },
  "request.flood": { status: 429, outcome: "denied", level: "warn", says: "The client opened or reset requests too fast." },
  "credential.unavailable": { status: 503, outcome: "failed", level: "error", says: "The credential for this destination could not be obtained." },
  "credential.misdirected": { status: 403, outcome: "denied", level: "warn", says: "The credential may not be used at this destination." },
  "credential.probed": { status: 403, outcome: "denied", level: "warn", says: "Answers came close to the credential's text too often." },
  "budget.exhausted": { status: 402, outcome: "denied", level: "info", says: "A limit for this agent is used up." },
  "budget.unavailable": { status: 503, outcome: "failed", level: "error", says: "The limits for this agent could not be checked." },
  "budget.unmeasurable": { status: 403, outcome: "denied", level: "info", says: "What this request may cost cannot be known beforehand, and a limit for this agent counts it." },
  "budget.upgrade": { status: 426, outcome: "denied", level: "info", says: "What flows in a WebSocket to a model cannot be counted, and a limit for this agent counts it; use HTTP requests." },
  "audit.unavailable": { status: 503, outcome: "failed", level: "error", says: "The request could not be recorded, so it was not sent." },
  "upstream.unresolved": { status: 502, outcome: "failed", level: "info", says: "The name of the destination does not resolve." },
  "upstream.unreachable": { status: 502, outcome: "failed", level: "info", says: "The destination could not be reached." },
  "upstream.untrusted": { status: 502, outcome: "failed", level: "warn", says: "The destination's certificate is not valid for its name." },
  "upstream.malformed": { status: 502, outcome: "failed", level: "warn", says: "The destination's answer is malformed." },
  "upstream.timeout": { status: 504, outcome: "failed", level: "info", says: "The destination did not answer in time." },
  "upstream.aborted": { status: 502, outcome: "failed", level: "info", says: "The destination ended its answer early." },
  "upstream.body-limit": { status: 502, outcome: "denied", level: "info", says: "The answer is larger than the policy allows." },
  "relay.aborted": { status: 499, outcome: "failed", level: "info", says: "The client ended the request early." },
  "name.malformed": { status: 400, outcome: "denied", level: "info", says: "The DNS query is malformed." },
  "name.flood": { status: 429, outcome: "denied", level: "warn", says: "Too many DNS queries." },
  "draining": { status: 503, outcome: "failed", level: "info", says: "The boundary is shutting down; try again." },
  "internal": { status: 500, outcome: "failed", level: "error", says: "The boundary failed." },
} as const;

export type ErrorCode = keyof typeof ERROR_TABLE;

/** What a refusal adds for the reader: the rule that decided and what to do about it. */
export interface Explanation {
  readonly rule: string;
  readonly reason: string;
  readonly hint: string;
}

/** The one error of the paths. Rooms throw it or return values; stages never answer the agent, `refuse.ts` does. */
export class EgressError extends Error {
  override readonly name = "EgressError";
  readonly code: ErrorCode;
  readonly explanation: Explanation | undefined;
  /** When asking again may help, wall-clock milliseconds: the window of a limit ends. Null if it never does by itself, or nobody knows. */
  readonly opensAtMs: number | null;

  /** @param detail for log and audit, not for the agent */
  constructor(code: ErrorCode, detail: string, options?: { cause?: unknown; explanation?: Explanation; opensAtMs?: number | null }) {
    super(detail, options);
    this.code = code;
    this.explanation = options?.explanation;
    this.opensAtMs = options?.opensAtMs ?? null;
  }

  get outcome(): "denied" | "failed" {
    return ERROR_TABLE[this.code].outcome;
  }

  static from(error: unknown): EgressError {
    return error instanceof EgressError ? error : new EgressError("internal", "unexpected error", { cause: error });
  }
}

/** What an agent is told of an early end, as JSON. Rule and hint are null where no rule decided. */
export interface RefusalBody {
  readonly error: ErrorCode;
  readonly rule: string | null;
  readonly reason: string;
  readonly hint: string | null;
  readonly request_id: string;
}

/** @param requestId of the exchange, or of the connection where there was none */
export function refusalBody({ code, explanation }: EgressError, requestId: string): RefusalBody {
  return {
    error: code,
    rule: explanation?.rule ?? null,
    reason: explanation?.reason ?? ERROR_TABLE[code].says,
    hint: explanation?.hint ?? null,
    request_id: requestId,
  };
}
