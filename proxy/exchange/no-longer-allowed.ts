import { EgressError } from "../errors.ts";
import { underApproval, type Answered } from "../model/approval.ts";
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
  /** What a person answered about it; null if nobody was asked. */
  readonly answered: Answered | null;
  /** What it runs on. */
  readonly allow: Allow;
}

/** Why an exchange that is under way must end, by what policy says today of the same request; null while it may go on. Never rejects. */
export async function noLongerAllowed(exchange: UnderWay, rooms: Deciders & Pick<Rooms, "approvals">): Promise<EgressError | null> {
  try {
    const { answered, connection: { agent }, allow } = exchange;
    // Nobody is asked in the middle of an exchange.
    const today = underApproval(await decideToday(exchange, rooms), answered, (rule) => rooms.approvals.covers({ agent }, rule));
    requireGrants(requireAllow(today), allow);
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

/** What runs on a lent credential ends when policy no longer lends it. @throws EgressError `policy.denied` */
function requireGrants(today: Allow, before: Allow): void {
  const lost = before.grants.find((grant) => !today.grants.includes(grant));
  if (lost !== undefined) throw endedBy(today.rule, `grant ${lost} is no longer lent to this request`);
}

function endedBy(rule: string, reason: string): EgressError {
  return new EgressError("policy.denied", reason, { explanation: { rule, reason, hint: "Send the request again: it will be decided by today's policy." } });
}
