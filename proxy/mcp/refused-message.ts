import { ERROR_TABLE, type EgressError } from "../errors.ts";
import type { McpConfig } from "./config.ts";
import { HEADERS_RULE } from "./read-request.ts";
import type { McpEra } from "./request-message.ts";

/** What a client is told in place of an answer. */
export interface Refused {
  /** As it was read, so that it is written again as it was. */
  readonly id: unknown;
  /** Null where it is not known. */
  readonly method: string | null;
  readonly era: McpEra;
}

/**
 * Codes of JSON-RPC 2.0 §5.1, and of the range that it leaves to servers. Ours is none of those that client libraries give a meaning of their own
 * (-32000 connection closed, -32001 time-out, -32002 no such resource), and below those that MCP keeps for itself (-32020 on).
 */
const DENIED = -32_003;
const HEADER_MISMATCH = -32_020;
const INVALID_REQUEST = -32_600;
const INTERNAL = -32_603;

/** A JSON-RPC answer that says why: for tools/call a result, which the model reads, unless the configuration says otherwise. Ready for `JSON.stringify`. */
export function refusedMessage({ id, method, era }: Refused, error: EgressError, requestId: string, config: Pick<McpConfig, "deniedCalls">): object {
  const isResult = method === "tools/call" && config.deniedCalls === "result" && error.code !== "request.malformed";
  if (!isResult) return { jsonrpc: "2.0", id, error: errorObject(error, requestId) };
  const result = { content: [{ type: "text", text: textFor(error, requestId) }], isError: true };
  return { jsonrpc: "2.0", id, result: era === "stateless" ? { resultType: "complete", ...result } : result };
}

/** The same where no message could be told apart. */
export function errorObject(error: EgressError, requestId: string): object {
  const { code, explanation } = error;
  const data = { error: code, rule: explanation?.rule ?? null, hint: explanation?.hint ?? null, request_id: requestId };
  return { code: codeOf(error), message: explanation?.reason ?? ERROR_TABLE[code].says, data };
}

function codeOf({ code, outcome, explanation }: EgressError): number {
  if (code === "request.malformed") return explanation?.rule === HEADERS_RULE ? HEADER_MISMATCH : INVALID_REQUEST;
  return outcome === "denied" ? DENIED : INTERNAL;
}

function textFor({ code, outcome, explanation }: EgressError, requestId: string): string {
  const verb = outcome === "denied" ? "Denied" : "Failed";
  if (explanation === undefined) return `${verb} by the boundary: ${ERROR_TABLE[code].says} (request ${requestId})`;
  const { rule, reason, hint } = explanation;
  return `${verb} by policy ${rule}: ${sentence(reason)}${hint === "" ? "" : ` Hint: ${sentence(hint)}`} (request ${requestId})`;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
