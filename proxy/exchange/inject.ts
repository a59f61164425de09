import type { Secret } from "../../common/secret.ts";
import { EgressError } from "../errors.ts";
import { NO_LOAN, type Loan } from "../model/loan.ts";
import type { Allow } from "../model/decision.ts";
import type { Opened } from "../model/connection.ts";
import type { OutboundHead, RequestHead } from "../model/request.ts";
import type { Rooms } from "../rooms.ts";

/** What leaves, and what must not come back. */
export interface Injected {
  readonly outbound: OutboundHead;
  readonly loan: Loan;
}

/** A name that only the boundary may frame or route by: no grant can set one. */
const NEVER_INJECTED = new Set(["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"]);
/** They make an answer that cannot be searched: compressed, cut to a slice of a secret, or compressed inside a WebSocket. */
const HIDES_ANSWER = new Set(["accept-encoding", "range", "if-range", "sec-websocket-extensions"]);

/**
 * in: RequestHead, Allow · out: Injected · ends early with: credential.unavailable, credential.misdirected · next: note-decision.ts
 *
 * The only place where a credential joins a request. It comes before the decision is noted, so that the durable record names what was lent;
 * `OutboundHead` is a type that neither log nor audit accepts.
 */
export async function inject(head: RequestHead, allow: Allow, connection: Opened, credentials: Rooms["credentials"]): Promise<Injected> {
  if (allow.grants.length === 0) return { outbound: toOutbound(head, NO_LOAN), loan: NO_LOAN };
  const loan = await credentials.lend(allow.grants, connection, head, connection.signal);
  return { outbound: toOutbound(head, loan), loan };
}

/** The head with the loan in it: first the agent's own credentials go, then the lent ones are set, then the answer is made readable. */
export function toOutbound(head: RequestHead, loan: Loan): OutboundHead {
  const { method, scheme, host, port, framing, upgrade } = head;
  const target = head.query === null ? head.path : `${head.path}?${head.query}`;
  return { method, scheme, host, port, target, headers: outboundHeaders(head, loan), framing, upgrade };
}

function outboundHeaders(head: RequestHead, loan: Loan): OutboundHead["headers"] {
  if (loan.headers.length === 0 && loan.strip.length === 0) return head.headers;
  const mustGo = displacedBy(loan);
  const isLent = loan.secrets.length > 0;
  const kept: (readonly [string, string | Secret])[] = head.headers.filter(([name]) => !mustGo.has(hyphenated(name)) && !(isLent && HIDES_ANSWER.has(name)));
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
    names = new Set([...loan.strip, ...loan.headers.map(([name]) => name)]);
    displaced.set(loan, names);
  }
  return names;
}
