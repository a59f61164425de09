import { Readable } from "node:stream";
import type { Secret } from "../../common/secret.ts";
import { EgressError } from "../errors.ts";
import type { Allow } from "../model/decision.ts";
import type { Incoming } from "../model/incoming.ts";
import { NO_LOAN, type Loan, type Unfinished } from "../model/loan.ts";
import type { OutboundHead, RequestHead } from "../model/request.ts";
import { heldAlready, holdBody, type Held } from "./hold-body.ts";
import { lentTarget } from "./lent-query.ts";
import type { Sending } from "./measure.ts";
import type { ExchangePath } from "./serve-exchange.ts";

/** What leaves, and what must not come back. */
export interface Injected {
  readonly outbound: OutboundHead;
  /** The agent's own body as it streams, or what was held back of it; null if there is none. */
  readonly body: Readable | null;
  readonly loan: Loan;
  /** Says that the exchange is over, and what was held back of it gone. */
  readonly release: () => void;
}

const NOTHING_HELD = (): void => {};

/** A name that only the boundary may frame or route by: no grant can set one. */
const NEVER_INJECTED = new Set(["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"]);
/** They make an answer that cannot be searched: compressed, or compressed inside a WebSocket. */
const HIDES_ANSWER = new Set(["accept-encoding", "sec-websocket-extensions"]);
/** They make one that is cut to a slice of a secret. */
const CUTS_ANSWER = new Set(["range", "if-range"]);

/**
 * in: Sending, Allow · out: Injected · ends early with: credential.*, request.body-limit · next: note-decision.ts
 *
 * The only place where a credential joins a request. It comes before the decision is noted, so that the durable record names what was lent;
 * `OutboundHead` is a type that neither log nor audit accepts. A body that has to be whole is waited for here: nothing has left yet.
 */
export async function inject({ head, body }: Sending, allow: Allow, incoming: Incoming, path: ExchangePath): Promise<Injected> {
  const { connection } = incoming;
  const { credentials, holdings } = path.rooms;
  // Before anything is fetched, and where nothing is lent too: that is where a dummy has gone astray.
  const holds = holdings.of(connection.agent);
  credentials.refuseStray(head, allow.grants, holds === null ? [] : holds.grants);
  const loan = await lend(head, allow, incoming, path);
  const outbound = toOutbound(head, loan);
  if (loan.finish.length === 0) return { outbound, loan, body: streamed(body), release: NOTHING_HELD };
  const held = await heldBody({ outbound, body }, loan, { allow, incoming }, path);
  if (held === null) return { outbound: (await finish({ head: outbound, body: null }, loan)).head, loan, body: streamed(body), release: NOTHING_HELD };
  try {
    // The body may have taken minutes, and what was lent before it may have been taken back since.
    const current = await lend(head, allow, incoming, path);
    return { ...framed(await finish({ head: toOutbound(head, current), body: held.bytes }, current)), loan: current, release: held.release };
  } catch (error) {
    held.release();
    throw error;
  }
}

async function lend(head: RequestHead, { grants }: Allow, { connection }: Incoming, { rooms: { credentials }, probes }: ExchangePath): Promise<Loan> {
  const loan = grants.length === 0 ? NO_LOAN : await credentials.lend(grants, connection, head, connection.signal);
  probes.requireTrusted(connection.agent.instance, loan.references);
  return loan;
}

/** A body as it is after the last touch, with the length that it has then. */
function framed({ head, body }: Unfinished): Pick<Injected, "outbound" | "body"> {
  if (body === null || body.byteLength === 0) return { outbound: { ...head, framing: { kind: "none" } }, body: null };
  return { outbound: { ...head, framing: { kind: "length", bytes: body.byteLength } }, body: streamed(body) };
}

function streamed(body: Sending["body"]): Readable | null {
  return Buffer.isBuffer(body) ? Readable.from([body], { objectMode: false }) : body;
}

/** A request as it is without its last touches. */
interface Bare {
  readonly outbound: OutboundHead;
  readonly body: Sending["body"];
}

/** Null if there is none, or none of the last touches has to see it whole. */
async function heldBody({ outbound, body }: Bare, loan: Loan, { allow, incoming }: { readonly allow: Allow; readonly incoming: Incoming }, path: ExchangePath): Promise<Held | null> {
  const { framing } = outbound;
  if (framing.kind === "none" || body === null) return null;
  const limits = loan.finish.map((touch) => touch.bodyLimitBytes(outbound)).filter((bytes) => bytes !== null);
  if (limits.length === 0) return null;
  const bytes = Math.min(...limits, allow.obligations.maxRequestBytes ?? Number.POSITIVE_INFINITY);
  const limit = { bytes, rule: allow.rule, because: "The credential goes into this request as a whole", setting: "bodyLimitBytes of the grant" };
  const announced = framing.kind === "length" ? framing.bytes : null;
  return Buffer.isBuffer(body) ? heldAlready(body, limit) : await holdBody({ ...incoming, body }, announced, limit, path);
}

async function finish(unfinished: Unfinished, loan: Loan): Promise<Unfinished> {
  let request = unfinished;
  for (const touch of loan.finish) request = await touch.apply(request);
  return request;
}

/** The head with the loan in it: first the agent's own credentials go, then the lent ones are set, then the answer is made readable. */
export function toOutbound(head: RequestHead, loan: Loan): OutboundHead {
  const { method, scheme, host, port, framing, upgrade } = head;
  const isUntouched = loan === NO_LOAN || (loan.query.length === 0 && head.query === null);
  const target = isUntouched ? asSent(head) : lentTarget(head, loan);
  return { method, scheme, host, port, target, headers: outboundHeaders(head, loan), framing, upgrade };
}

function asSent({ path, query }: RequestHead): string {
  return query === null ? path : `${path}?${query}`;
}

function outboundHeaders(head: RequestHead, loan: Loan): OutboundHead["headers"] {
  if (loan.headers.length === 0 && loan.strip.length === 0) return head.headers;
  const mustGo = displacedBy(loan);
  const isLent = loan.secrets.length > 0;
  const kept: (readonly [string, string | Secret])[] = head.headers.filter(([name]) => !mustGo.has(hyphenated(name)));
  kept.push(...loan.headers);
  if (isLent) kept.push(["accept-encoding", "identity"]);
  return kept;
}

/** CGI and its heirs make one variable of `x-api-key` and `x_api_key`: the agent's must not stand beside the lent one. */
function hyphenated(name: string): string {
  return name.includes("_") ? name.replaceAll("_", "-") : name;
}

/** A loan is shared by many exchanges, so this is worked out once for it. */
const displaced = new WeakMap<Loan, ReadonlySet<string>>();

/** The fields of the agent's that go when this is lent. */
function displacedBy(loan: Loan): ReadonlySet<string> {
  let names = displaced.get(loan);
  if (names === undefined) {
    const unlawful = loan.headers.find(([name]) => NEVER_INJECTED.has(name));
    if (unlawful !== undefined) throw new EgressError("credential.unavailable", `a grant may not set ${unlawful[0]}`);
    const isLent = loan.secrets.length > 0;
    names = new Set([
      ...loan.strip, ...loan.headers.map(([name]) => name), ...(isLent ? HIDES_ANSWER : []), ...(isLent && !loan.toleratesRange ? CUTS_ANSWER : []),
    ]);
    displaced.set(loan, names);
  }
  return names;
}
