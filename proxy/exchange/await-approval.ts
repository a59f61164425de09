import type { ApprovalSubject } from "../approvals/approvals.ts";
import { EgressError } from "../errors.ts";
import { takeAnswer, type Waiting } from "../model/approval.ts";
import type { Allow, Ask } from "../model/decision.ts";
import type { Incoming } from "../model/incoming.ts";
import type { BodyRead } from "../model/readings.ts";
import type { RequestHead } from "../model/request.ts";
import type { Rooms } from "../rooms.ts";
import { refusalOf } from "./decide.ts";
import { describeRequest } from "./describe-request.ts";
import { fingerprintOf } from "./fingerprint.ts";

const NOTHING = Buffer.alloc(0);

/** A request that waits for a person. */
export interface Awaiting extends Waiting {
  readonly head: RequestHead;
  readonly incoming: Incoming;
  /** Null where nobody read the body: not a byte of it is taken before the yes. */
  readonly read: { readonly body: BodyRead } | null;
  /** The body as it was read, without its content coding. */
  readonly text: Buffer | null;
}

/**
 * in: Ask · out: Allow · ends early with: approval.*, policy.denied, policy.unavailable, identity.expired, relay.aborted, draining · next: measure.ts
 *
 * A person decides while the request waits: nothing has left, nothing is lent, and a client that sends on is held back by its own wire. No 1xx is sent
 * meanwhile: common clients take one for the answer or for a fault (docs/approvals.md). A yes is for what policy says when it is given, not when it was asked.
 */
export async function awaitApproval(ask: Ask, awaiting: Awaiting, rooms: Pick<Rooms, "approvals" | "readings">): Promise<Allow> {
  const approval = await rooms.approvals.ask(subjectOf(ask, awaiting, rooms), ask, leaving(awaiting.incoming));
  const today = await takeAnswer(approval, ask, awaiting, (refusal) => new EgressError(refusal.code, refusal.detail, refusal));
  if (today.kind === "deny") throw refusalOf(today);
  return today;
}

/** @throws EgressError `approval.too-large` where it is more than a person can be shown */
function subjectOf({ rule }: Ask, { head, incoming, read, text }: Awaiting, { readings }: Pick<Rooms, "readings">): ApprovalSubject {
  const { connection: { agent, id: connectionId }, exchangeId } = incoming;
  const { method, host, port, path, framing, upgrade } = head;
  const bodyBytes = framing.kind === "none" ? 0 : framing.kind === "length" ? framing.bytes : null;
  const whole = read === null ? null : { text: text ?? NOTHING, parts: read.body.parts };
  return {
    id: exchangeId, connectionId, agent, question: "exchange", host, port, method, path,
    details: describeRequest({ head, readings: readings.ofHead(head), read: whole, bodyBytes, rule }),
    fingerprint: fingerprintOf({ agent, rule, head, read: whole }),
    isWhole: (read !== null || bodyBytes === 0) && upgrade === null,
  };
}

/** Aborts when nobody waits for the answer any more, or the connection must end. The relay listens after this. */
function leaving({ answer }: Incoming): AbortSignal {
  const gone = new AbortController();
  answer.listen({ onDrain: () => {}, onGone: (error) => { gone.abort(error); } });
  return gone.signal;
}
