import { ERROR_TABLE, refusalBody, type EgressError, type ErrorCode } from "../errors.ts";
import type { Incoming } from "../model/incoming.ts";
import type { HeaderList } from "../model/request.ts";

/** After these the rest of the connection cannot be trusted to be what it seems, or to be whose it seems. */
const FATAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "request.malformed", "request.too-large", "request.expectation", "request.timeout", "request.flood", "destination.mismatch", "identity.expired", "draining",
]);

/**
 * in: EgressError · out: an answer that says why · never ends early · next: settle.ts
 *
 * The one place that answers the agent in our name. It reads the table's text and the policy's explanation, never detail or cause; all
 * refusals have one shape, so that nobody learns from it whether a credential exists.
 * @returns the status that was sent, or null if the answer had begun or nobody waits for one
 */
export function refuse(incoming: Incoming, error: EgressError): number | null {
  const { answer } = incoming;
  if (answer.gone !== null) return null;
  if (answer.isStarted) {
    answer.cut(error);
    return null;
  }
  const { status, outcome } = ERROR_TABLE[error.code];
  const body = Buffer.from(`${JSON.stringify(refusalBody(error, incoming.exchangeId))}\n`);
  const hasBody = incoming.head?.method !== "HEAD";
  answer.refusing(FATAL.has(error.code));
  answer.head(status, refusalHeaders(incoming.exchangeId, error, outcome, body.byteLength), hasBody);
  if (hasBody) answer.data(body);
  answer.end([]);
  return status;
}

function refusalHeaders(exchangeId: string, error: EgressError, outcome: string, bytes: number): HeaderList {
  const headers: [string, string][] = [
    ["content-type", "application/json"], ["content-length", String(bytes)], ["cache-control", "no-store"],
    ["x-weir-decision", outcome], ["x-weir-request-id", exchangeId],
  ];
  // Client libraries retry by status alone; a limit that is used up does not come back by asking again.
  if (error.code === "budget.exhausted") headers.push(["x-should-retry", "false"]);
  return headers;
}
