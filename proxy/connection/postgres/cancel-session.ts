import { EgressError } from "../../errors.ts";
import type { Screened } from "../../model/connection.ts";
import type { Rooms } from "../../rooms.ts";
import type { ConnectionEntry } from "../connection-entry.ts";
import { gather } from "../gather.ts";
import type { CancelKeys } from "./cancel-keys.ts";
import { cancelRequest, type BackendKey } from "./encode.ts";
import { inTime } from "./in-time.ts";
import { secureServer } from "./log-in.ts";

/**
 * in: Screened and the key that the agent shows · out: nothing, when the server was told · ends early with: wire.malformed, audit.unavailable, upstream.*
 *
 * Has the server cancel the statement of a session of this instance, with the server's own key, which travels as a credential does. Nobody is
 * answered: the protocol has no answer. A key that is not this instance's does nothing.
 */
export async function cancelSession(screened: Screened, shown: BackendKey, rooms: Rooms, by: Canceller): Promise<void> {
  const { agent, destination, signal } = screened;
  const session = by.cancelKeys.find(shown, agent.instance, destination);
  if (session === null) throw new EgressError("wire.malformed", "a cancel request for no session that this instance has here");
  await rooms.audit.commit(by.entry.record("opened"));
  await inTime(by.deadlineMs, signal, async (reading) => {
    const tunnel = await rooms.upstream.openTunnel(agent.instance, destination, reading.signal, session.remoteAddress);
    try {
      const { stream } = await secureServer(tunnel, destination, rooms.upstream, reading);
      stream.write(cancelRequest(session.backendKey));
      // The server closes when it has passed the request on; to close before it does could lose it.
      await gather(stream, () => true, { limitBytes: 1, deadlineMs: by.deadlineMs }, reading.signal);
      stream.destroy();
    } finally {
      tunnel.stream.destroy();
    }
  });
}

interface Canceller {
  readonly entry: ConnectionEntry;
  readonly cancelKeys: CancelKeys;
  readonly deadlineMs: number;
}
