import { hash } from "node:crypto";
import type { Socket } from "node:net";
import type { ApprovalSubject } from "../approvals/approvals.ts";
import { EgressError } from "../errors.ts";
import { takeAnswer, type Waiting } from "../model/approval.ts";
import { destinationHost, type Classified, type SqlStartup } from "../model/connection.ts";
import type { Ask, Verdict } from "../model/decision.ts";
import type { RecordedApproval } from "../model/record.ts";
import type { Rooms } from "../rooms.ts";

/** A connection that may have to wait for a person. */
export interface Awaiting extends Waiting {
  readonly decision: Verdict | Ask;
}

type Asking = Classified & { readonly sql?: SqlStartup };

/**
 * in: Classified and its Decision · out: Verdict · ends early with: approval.*, policy.unavailable, draining · next: screen.ts
 *
 * A person decides while the connection waits: nothing is dialled, no certificate is minted, and not a byte of the agent's is taken. What policy decides by
 * itself passes at once.
 */
export async function awaitApproval(asking: Asking, { decision, ...waiting }: Awaiting, rooms: Pick<Rooms, "approvals" | "activity">): Promise<Verdict> {
  if (decision.kind !== "ask") return decision;
  const approval = await ask(asking, decision, rooms);
  let verdict: Verdict | null = null;
  try {
    verdict = await takeAnswer(approval, decision, waiting, (refusal) => new EgressError(refusal.code, refusal.detail, refusal));
    return verdict;
  } finally {
    rooms.approvals.tellBack(approval, verdict?.kind === "allow");
  }
}

/** Whoever waits is busy: an idle instance would be stopped. */
async function ask(asking: Asking, question: Ask, { approvals, activity }: Pick<Rooms, "approvals" | "activity">): Promise<RecordedApproval> {
  const endActivity = activity.begin(asking.agent);
  const leaving = watchLeaving(asking.socket);
  try {
    return await approvals.ask(subjectOf(asking, question), question, AbortSignal.any([asking.signal, leaving.signal]));
  } finally {
    leaving.stop();
    endActivity();
  }
}

/** Aborts when the agent closes its connection. What it has sent stays where it is: of a stream that nobody reads, no end would be seen. */
function watchLeaving(socket: Socket): { readonly signal: AbortSignal; readonly stop: () => void } {
  const left = new AbortController();
  const leave = () => { left.abort(new EgressError("relay.aborted", "the agent closed its connection")); };
  const look = () => { if (socket.readableLength === 0) socket.read(0); };
  socket.once("close", leave).once("end", leave).on("readable", look);
  if (socket.destroyed) leave();
  return { signal: left.signal, stop: () => { socket.off("close", leave).off("end", leave).off("readable", look); } };
}

/** What flows on a connection is not known before it is open: a yes for once is for this one alone. */
function subjectOf({ id, agent, destination, wire, sql }: Asking, { rule }: Ask): ApprovalSubject {
  const { port } = destination;
  const host = destinationHost(destination);
  const details = [`a connection (${wire.kind}) to ${host} port ${port}`, ...(sql === undefined ? [] : [`PostgreSQL: database ${quoted(sql.database)} as ${quoted(sql.user)}`])];
  const what = [1, agent.namespace, agent.name, agent.thread, rule, "connection", host, port, wire.kind, sql?.database ?? null, sql?.user ?? null];
  return { id, connectionId: id, agent, question: "connection", host, port, method: null, path: null, details, fingerprint: hash("sha256", JSON.stringify(what), "hex"), isWhole: false };
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 64)).replaceAll(/[^\x20-\x7e]/g, "?");
}
