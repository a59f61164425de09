import { ERROR_TABLE, refusalBody, type EgressError, type ErrorCode } from "../errors.ts";
import type { ProviderRefusal } from "../metering/metering.ts";
import type { HeaderList } from "../model/request.ts";
import type { Rooms } from "../rooms.ts";
import type { ExchangeDraft } from "./open-record.ts";

/** What a refusal is worded by. */
type Refusable = Pick<ExchangeDraft, "incoming" | "head" | "text" | "read">;

/** After these the rest of the connection cannot be trusted to be what it seems, or to be whose it seems. */
const FATAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "request.malformed", "request.too-large", "request.expectation", "request.timeout", "request.flood", "destination.mismatch", "identity.expired", "draining",
]);
/** Client libraries retry by status alone, and these do not come right by asking again. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["budget.exhausted", "budget.unmeasurable", "budget.upgrade"]);
/** A handshake that fails is not read beyond its status: clients go on over HTTP after 426. */
const SAID_AS_PROVIDER: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["budget.exhausted", "budget.unmeasurable", "budget.unavailable"]);
/** A client waits no longer than this for a window to open; whoever has longer to wait should stop. */
const SOON_MS = 60_000;

/**
 * in: EgressError · out: an answer that says why · never ends early · next: settle.ts
 *
 * The one place that answers the agent in our name. It reads the table's text and the policy's explanation, never detail or cause; all
 * refusals have one shape, so that nobody learns from it whether a credential exists. What a budget refuses a client of a model is said as its
 * provider would, because client libraries understand that and stop; and what is refused of the Model Context Protocol as its servers would.
 * @returns the status that was sent, or null if the answer had begun or nobody waits for one
 */
export function refuse(draft: Refusable, error: EgressError, rooms: Pick<Rooms, "metering" | "mcp" | "clock">): number | null {
  const { incoming } = draft;
  const { answer, exchangeId } = incoming;
  if (answer.gone !== null) return null;
  if (answer.isStarted) {
    answer.cut(error);
    return null;
  }
  const { status, headers, body } = inClientsWords(draft, error, rooms) ?? ownRefusal(error, exchangeId);
  const hasBody = incoming.head?.method !== "HEAD";
  answer.refusing(FATAL.has(error.code));
  answer.head(status, [...headers.filter(([name]) => !SAID_BY_US.has(name)), ...said(error, exchangeId, body.byteLength, rooms.clock.nowMs())], hasBody);
  if (hasBody) answer.data(body);
  answer.end([]);
  return status;
}

/** Null where the client understands ours as well as any. */
function inClientsWords({ incoming, head, text, read }: Refusable, error: EgressError, { metering, mcp }: Pick<Rooms, "metering" | "mcp">): ProviderRefusal | null {
  if (head === null) return null;
  const { exchangeId, connection: { agent: { instance } } } = incoming;
  const ofProvider = SAID_AS_PROVIDER.has(error.code) ? metering.refusal(head, error, exchangeId) : null;
  const isMcp = text !== null && (read === null || read.body.parts.some((part) => part.mcp !== undefined));
  return ofProvider ?? (isMcp ? mcp.refusal(head, text, error, { instance, requestId: exchangeId }) : null);
}

function ownRefusal(error: EgressError, exchangeId: string): ProviderRefusal {
  return { status: ERROR_TABLE[error.code].status, headers: [["content-type", "application/json"]], body: Buffer.from(`${JSON.stringify(refusalBody(error, exchangeId))}\n`) };
}

const SAID_BY_US = new Set(["content-length", "cache-control", "retry-after", "x-should-retry", "x-weir-decision", "x-weir-request-id"]);

/** What every refusal says, in whatever shape it comes. */
function said({ code, opensAtMs }: EgressError, exchangeId: string, bytes: number, nowMs: number): HeaderList {
  const headers: [string, string][] = [
    ["content-length", String(bytes)], ["cache-control", "no-store"],
    ["x-weir-decision", ERROR_TABLE[code].outcome], ["x-weir-request-id", exchangeId],
  ];
  if (FINAL.has(code)) headers.push(["x-should-retry", "false"]);
  const waitMs = code === "budget.exhausted" && opensAtMs !== null ? opensAtMs - nowMs : Number.POSITIVE_INFINITY;
  if (waitMs <= SOON_MS) headers.push(["retry-after", String(Math.max(1, Math.ceil(waitMs / 1_000)))]);
  return headers;
}
