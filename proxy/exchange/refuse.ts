import { ERROR_TABLE, refusalBody, type EgressError, type ErrorCode } from "../errors.ts";
import type { ProviderRefusal } from "../metering/metering.ts";
import type { HeaderList, RequestHead } from "../model/request.ts";
import type { Rooms } from "../rooms.ts";
import type { ExchangeDraft } from "./open-record.ts";
import { inProtocolWords } from "./protocol-refusal.ts";

/** What a refusal is worded by. */
type Refusable = Pick<ExchangeDraft, "incoming" | "head" | "text" | "read">;
/** Who words it. */
type Wording = Pick<Rooms, "metering" | "mcp" | "readings">;

/** After these the rest of the connection cannot be trusted to be what it seems, or to be whose it seems. */
const FATAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "request.malformed", "request.too-large", "request.expectation", "request.timeout", "request.flood", "destination.mismatch", "identity.expired", "draining",
]);
/** Client libraries retry by status alone, and these do not come right by asking again. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["budget.exhausted", "budget.unmeasurable", "budget.upgrade", "approval.too-large"]);
/** A handshake that fails is not read beyond its status: clients go on over HTTP after 426. */
const SAID_AS_PROVIDER: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["budget.exhausted", "budget.unmeasurable", "budget.unavailable"]);
/** What policy or a person refuses of a request to a model, once its body was read: its client shows the provider's errors, and takes others for faults. */
const SAID_TO_MODEL_CLIENTS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["policy.denied", "approval.denied", "approval.expired", "approval.too-large"]);
/** A client waits no longer than this for a window to open; whoever has longer to wait should stop. */
const SOON_MS = 60_000;

/**
 * in: EgressError · out: an answer that says why · never ends early · next: settle.ts
 *
 * The one place that answers the agent in our name. It reads the table's text and the policy's explanation, never detail or cause; all
 * refusals have one shape, so that nobody learns from it whether a credential exists. What a budget refuses a client of a model is said as its
 * provider would, because client libraries understand that and stop; what is refused of the Model Context Protocol as its servers would, and what is
 * refused of Git, gRPC and GraphQL in a form that their clients show.
 * @returns the status that was sent, or null if the answer had begun or nobody waits for one
 */
export function refuse(draft: Refusable, error: EgressError, rooms: Wording & Pick<Rooms, "clock">): number | null {
  const { incoming } = draft;
  const { answer, exchangeId } = incoming;
  if (answer.gone !== null) return null;
  if (answer.isStarted) {
    answer.cut(error);
    return null;
  }
  const { status, headers, body } = inClientsWords(draft, error, rooms) ?? ownRefusal(error, exchangeId);
  const hasBody = incoming.head?.method !== "HEAD" && body.byteLength > 0;
  answer.refusing(FATAL.has(error.code));
  answer.head(status, [...headers.filter(([name]) => !SAID_BY_US.has(name)), ...said(error, exchangeId, body.byteLength, rooms.clock.nowMs())], hasBody);
  if (hasBody) answer.data(body);
  answer.end([]);
  return status;
}

/** Null where the client understands ours as well as any. */
function inClientsWords(draft: Refusable, error: EgressError, rooms: Wording): ProviderRefusal | null {
  const { head, read, incoming: { exchangeId } } = draft;
  if (head === null) return null;
  const isOfModel = SAID_AS_PROVIDER.has(error.code) || (read?.call?.kind === "call" && SAID_TO_MODEL_CLIENTS.has(error.code));
  const ofProvider = isOfModel ? rooms.metering.refusal(head, error, exchangeId) : null;
  return ofProvider ?? inMcpWords(draft, head, error, rooms) ?? inProtocolWords({ head, read, exchangeId }, error, rooms.readings);
}

function inMcpWords({ incoming, text, read }: Refusable, head: RequestHead, error: EgressError, { mcp }: Wording): ProviderRefusal | null {
  // What could not be read is refused as what it seems to be.
  const unread = read === null && text !== null ? mcp.askedBy(head, text) : null;
  const asked = read?.asked ?? unread;
  return asked === null ? null : mcp.refusal(head, asked, error, { instance: incoming.connection.agent.instance, requestId: incoming.exchangeId });
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
