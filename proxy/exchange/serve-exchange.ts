import { PLATFORM_NAME } from "../../common/labels.ts";
import { describeError } from "../../common/lifecycle.ts";
import { EgressError } from "../errors.ts";
import type { Allow, Decision } from "../model/decision.ts";
import type { Incoming, ServeExchange } from "../model/incoming.ts";
import type { RequestHead } from "../model/request.ts";
import type { Usage } from "../model/usage.ts";
import type { Rooms } from "../rooms.ts";
import { awaitApproval, type Awaiting } from "./await-approval.ts";
import { closeRecord } from "./close-record.ts";
import type { ExchangeConfig } from "./config.ts";
import { decide, noting, requireAllow } from "./decide.ts";
import { forward } from "./forward.ts";
import { HeldBytes } from "./held-bytes.ts";
import { IdleWatch } from "./idle-watch.ts";
import { inject } from "./inject.ts";
import { measure, toSending, type Measurable, type Sending } from "./measure.ts";
import { noteDecision } from "./note-decision.ts";
import { openRecord } from "./open-record.ts";
import type { ExchangeDraft } from "./open-record.ts";
import { ProbeWatch } from "./probe-watch.ts";
import { decideRead, readBody, requireDecided, type ReadRequest } from "./read-body.ts";
import { readHead } from "./read-head.ts";
import { refuse } from "./refuse.ts";
import { reserve } from "./reserve.ts";
import { settle } from "./settle.ts";

/** What every exchange of a proxy shares. */
export interface ExchangePath {
  readonly rooms: Rooms;
  readonly config: ExchangeConfig;
  readonly watch: IdleWatch;
  readonly held: HeldBytes;
  readonly probes: ProbeWatch;
}

/** Opens the exchange path. @returns the function for the protocol handlers, and what stops its clock */
export function openExchanges(rooms: Rooms, config: ExchangeConfig): { readonly serve: ServeExchange; readonly close: () => void } {
  const path: ExchangePath = { rooms, config, watch: new IdleWatch(() => rooms.clock.monotonicMs()), held: new HeldBytes(config.heldBytes), probes: new ProbeWatch() };
  return { serve: (incoming) => serveExchange(incoming, path), close: () => { path.watch.close(); } };
}

/**
 * The contents page of an exchange, in reading order (ARCHITECTURE.md has the table).
 * Whatever a stage throws is answered in one place, and every exchange is settled and recorded. Never rejects.
 */
export async function serveExchange(incoming: Incoming, path: ExchangePath): Promise<Usage> {
  const { rooms } = path;
  const draft = openRecord(incoming, rooms.clock);
  try {
    await pass(draft, path);
  } catch (error) {
    draft.error = EgressError.from(error);
    tellBack(draft, false, rooms);
    answerWith(draft, draft.error, rooms);
  }
  draft.release();
  draft.endActivity();
  await settle(draft, rooms);
  closeRecord(draft, rooms);
  return draft.usage;
}

/** A wire that breaks under the refusal must not keep the exchange from being settled and recorded. */
function answerWith(draft: ExchangeDraft, error: EgressError, rooms: Rooms): void {
  const { incoming } = draft;
  try {
    draft.status = refuse(draft, error, rooms) ?? draft.status;
  } catch (failure) {
    rooms.log.error("exchange.refusal-failed", { exchangeId: incoming.exchangeId, error: describeError(failure) });
    incoming.answer.cut(error);
  }
}

async function pass(draft: ExchangeDraft, path: ExchangePath): Promise<void> {
  const { incoming } = draft;
  const { rooms, config } = path;
  const head = readHead(requireHead(incoming), incoming.body !== null, incoming.connection, config.encodedSlash);
  draft.head = head;
  // A long poll for messages is how an idle agent waits; if it counted, no agent would ever be idle.
  if (head.host !== PLATFORM_NAME) draft.endActivity = rooms.activity.begin(incoming.connection.agent);
  const { decision, read } = await decideWhole(head, draft, path);
  const allow = decision.kind === "ask" ? await awaitApproval(decision, awaiting(draft, { head, read }, rooms), rooms) : requireAllow(decision);
  draft.decision = allow;
  await sendAllowed({ head: read?.head ?? head, read }, allow, draft, path);
}

/** By the head, or by what policy wants to have read. What it was asked is noted however that ends: a body that cannot be read leaves it at the wish to read it. */
async function decideWhole(head: RequestHead, draft: ExchangeDraft, path: ExchangePath): Promise<{ readonly decision: Decision; readonly read: ReadRequest | null }> {
  const { rooms } = path;
  const { connection } = draft.incoming;
  const deciders = noting(draft.noteAsked, rooms);
  let decision = await decide(head, connection, deciders);
  try {
    if (decision.kind !== "read") return { decision, read: null };
    const read = await readBody(head, decision, draft, path);
    draft.wasRead(read);
    decision = await decideRead(read, connection, deciders);
    return { decision, read };
  } finally {
    draft.decided(decision, rooms.hindsight);
  }
}

/** For the stage that waits for a person: policy is asked again about what was read already. */
function awaiting(draft: ExchangeDraft, { head, read }: Measurable, rooms: Rooms): Awaiting {
  const { incoming } = draft;
  return {
    head: read?.head ?? head, incoming, read, text: draft.text,
    decideAgain: async () => (read === null ? requireDecided(await decide(head, incoming.connection, rooms)) : decideRead(read, incoming.connection, rooms)),
    note: (answered) => { draft.answered = answered; },
  };
}

async function sendAllowed(request: Measurable, allow: Allow, draft: ExchangeDraft, path: ExchangePath): Promise<void> {
  const { incoming } = draft;
  const { head } = request;
  const measured = await measure(request, allow, incoming, path);
  draft.measured(measured);
  draft.reserved(await reserve({ head, call: measured.call }, allow, incoming, path.rooms), path.rooms.clock);
  await send(draft, toSending(head, measured, draft.call, incoming.body), allow, path);
}

async function send(draft: ExchangeDraft, sending: Sending, allow: Allow, path: ExchangePath): Promise<void> {
  const { rooms } = path;
  const injected = await inject(sending, allow, draft.incoming, path);
  draft.references = injected.loan.references;
  draft.secrets = injected.loan.secrets;
  try {
    await noteDecision(draft, rooms);
    tellBack(draft, true, rooms);
    rooms.metrics.credentialsLent(injected.loan.references.length === 0 ? [] : allow.grants);
    await forward(draft, injected, allow, path);
  } finally {
    injected.release();
  }
}

/** Whoever said yes learns whether the request goes on: it does once nothing of ours can stop it any more. The first word counts. */
function tellBack({ answered }: ExchangeDraft, goesOn: boolean, { approvals }: Rooms): void {
  if (answered !== null) approvals.tellBack(answered.approval, goesOn);
}

function requireHead(incoming: Incoming): NonNullable<Incoming["head"]> {
  if (incoming.fault !== null) throw incoming.fault;
  if (incoming.head === null) throw new EgressError("internal", "a request without a head and without a fault");
  return incoming.head;
}
