import { EgressError } from "../errors.ts";
import { underApproval } from "../model/approval.ts";
import type { Identified, Screened, SqlStartup } from "../model/connection.ts";
import type { Rooms } from "../rooms.ts";
import { askPolicy } from "./ask-policy.ts";
import type { ConnectionEntry } from "./connection-entry.ts";
import { screen } from "./screen.ts";

/** Longest delay of a timer in Node, in milliseconds; a longer one would fire at once. */
const TIMER_LIMIT_MS = 2 ** 31 - 1;

/**
 * in: Screened · out: nothing · ends the connection with: policy.denied, policy.unavailable · beside the path
 *
 * Has the connection asked again whenever policy, a budget or an identity changes; at once if policy has changed since the connection was
 * decided. One that would be handled in another way than it is ends too: what was read can become unread only on a new connection.
 */
export async function reconsiderOnChange(screened: Screened & { readonly sql?: SqlStartup }, rooms: Rooms, entry: ConnectionEntry): Promise<void> {
  const askAgain = async (): Promise<void> => {
    try {
      const isCovered = (rule: string) => rooms.approvals.covers(screened, rule);
      const today = screen(screened, underApproval(await askPolicy(screened, rooms), entry.answered, isCovered));
      if (today.handling !== screened.handling) throw new EgressError("policy.denied", `handling is now ${today.handling}`);
      const lost = screened.decision.grants.find((grant) => !today.decision.grants.includes(grant));
      if (lost !== undefined) throw new EgressError("policy.denied", `grant ${lost} is no longer lent to this connection`);
    } catch (error) {
      entry.end(EgressError.from(error));
    }
  };
  entry.reconsiderBy(askAgain);
  if (screened.decision.revision !== rooms.policy.revision) await askAgain();
  screened.signal.throwIfAborted();
}

/** Ends the connection when its identity expires: there is no way to show a newer token on an old connection. */
export function endAtExpiry({ agent }: Identified, rooms: Rooms, entry: ConnectionEntry): void {
  let timer: NodeJS.Timeout;
  const check = () => {
    const leftMs = agent.expiresAtMs - rooms.clock.nowMs();
    if (leftMs <= 0) entry.end(new EgressError("identity.expired", "the token expired while the connection was open"));
    else timer = setTimeout(check, Math.min(leftMs, TIMER_LIMIT_MS));
  };
  check();
  entry.atClose(() => { clearTimeout(timer); });
}
