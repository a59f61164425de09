import type { Screened } from "../model/connection.ts";
import type { Rooms } from "../rooms.ts";
import type { ConnectionEntry } from "./connection-entry.ts";
import { Splice } from "./splice.ts";
import { Toll } from "./toll.ts";

/**
 * in: Screened · out: nothing, when both directions are over · ends early with: budget.*, audit.unavailable, upstream.*, relay.aborted
 *
 * Passes bytes unread, by name, where policy says so: reserved, on record before the first byte, counted, cut at the edge of a budget.
 */
export async function tunnel(screened: Screened, rooms: Rooms, entry: ConnectionEntry, idleTimeoutMs: number): Promise<void> {
  const { agent, destination, signal } = screened;
  const toll = await Toll.take(screened, rooms);
  const splice = new Splice(screened, toll, { idleTimeoutMs, onBytes: () => { rooms.activity.touch(agent); } });
  try {
    await rooms.audit.commit(entry.record("opened"));
    const { stream } = await rooms.upstream.openTunnel(agent.instance, destination, signal);
    await splice.run(stream);
  } finally {
    entry.exchangeEnded(splice.usage);
    await toll.settle(splice);
  }
}
