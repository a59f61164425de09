import { EgressError } from "../errors.ts";
import type { Opened } from "../model/connection.ts";
import type { Allow } from "../model/decision.ts";
import type { RequestHead } from "../model/request.ts";
import type { Rooms } from "../rooms.ts";
import type { PartDecision } from "./agree.ts";
import { decide, requireAllow, type Deciders } from "./decide.ts";
import { decideRead, type ReadRequest } from "./read-body.ts";

/** An exchange that is under way, as it was asked about. */
export interface UnderWay {
  readonly head: RequestHead;
  readonly connection: Opened;
  /** Null if policy decided by the head alone. */
  readonly read: Pick<ReadRequest, "head" | "body"> | null;
  /** The rule by which a person was asked, and said yes; null if nobody was. */
  readonly approvedRule: string | null;
  /** What it runs on. */
  readonly allow: Allow;
}

/** Why an exchange that is under way must end, by what policy says today of the same request; null while it may go on. Never rejects. */
export async function noLongerAllowed(exchange: UnderWay, rooms: Deciders & Pick<Rooms, "approvals">): Promise<EgressError | null> {
  try {
    requireGrants(requireAllow(approved(await decideToday(exchange, rooms), exchange, rooms)), exchange.allow);
    return null;
  } catch (error) {
    return EgressError.from(error);
  }
}

async function decideToday({ head, connection, read }: UnderWay, rooms: Deciders): Promise<PartDecision> {
  const today = await decide(head, connection, rooms);
  if (today.kind !== "read") return today;
  const isRead = read !== null && today.readings.every((name) => read.body.report[name] !== undefined);
  if (read !== null && isRead) return await decideRead(read, connection, rooms);
  throw endedBy(today.rule, "policy now reads such a request before it decides, and this one has left");
}

/** What a person allowed stays allowed while the same rule asks. Nobody is asked in the middle of an exchange. */
function approved(today: PartDecision, { approvedRule, connection: { agent } }: UnderWay, { approvals }: Pick<Rooms, "approvals">): PartDecision {
  if (today.kind !== "ask") return today;
  if (today.rule === approvedRule || approvals.covers({ agent }, today.rule)) return today.allow;
  throw endedBy(today.rule, "a person has to allow this now");
}

/** What runs on a lent credential ends when policy no longer lends it. @throws EgressError `policy.denied` */
function requireGrants(today: Allow, before: Allow): void {
  const lost = before.grants.find((grant) => !today.grants.includes(grant));
  if (lost !== undefined) throw endedBy(today.rule, `grant ${lost} is no longer lent to this request`);
}

function endedBy(rule: string, reason: string): EgressError {
  return new EgressError("policy.denied", reason, { explanation: { rule, reason, hint: "Send the request again: it will be decided by today's policy." } });
}
