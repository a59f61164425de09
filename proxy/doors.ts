import type { Lifecycle } from "../common/lifecycle.ts";
import type { ProxyConfig } from "./config.ts";
import { ConnectionSlots } from "./connection/connection-slots.ts";
import { listen, type Listening } from "./connection/listen.ts";
import { CancelKeys } from "./connection/postgres/cancel-keys.ts";
import { serveConnection } from "./connection/serve-connection.ts";
import { openDns } from "./dns/serve-query.ts";
import { EgressError } from "./errors.ts";
import { openExchanges } from "./exchange/serve-exchange.ts";
import type { ProtocolHandlers } from "./model/protocol-handlers.ts";
import { openHttp1 } from "./protocols/http1.ts";
import { openHttp2 } from "./protocols/http2.ts";
import type { Rooms } from "./rooms.ts";

/** Where sidecars come in, and the protocols that they speak. */
export interface Doors {
  readonly listening: Listening;
  /** Resolves when every connection has ended: by itself, or by force after the time. */
  drained(deadlineMs: number): Promise<void>;
}

/** Opens the paths and the doors to them: the second half of the composition root. @throws UserError where it cannot listen */
export async function openDoors(config: ProxyConfig, rooms: Rooms, lifecycle: Lifecycle, drain: AbortSignal): Promise<Doors> {
  const exchanges = openExchanges(rooms, config.exchange);
  const http1 = openHttp1(config.protocols.http1, exchanges.serve);
  const http2 = openHttp2(config.protocols.http2, exchanges.serve);
  const handlers: ProtocolHandlers = { ...http1, ...http2, serveDns: openDns(config.dns, rooms) };
  const deps = { config: config.connection, slots: new ConnectionSlots(config.connection), cancelKeys: new CancelKeys(), handlers, drain };
  const open = new Set<Promise<void>>();
  const listening = await listen(config.listen, config.connection.maxConnections, (arrival) => {
    const serving = serveConnection(arrival, rooms, deps).finally(() => open.delete(serving));
    open.add(serving);
  });
  lifecycle.onStop("protocols", () => {
    http1.close();
    exchanges.close();
  });
  lifecycle.onStop("doors", async () => listening.close());
  drain.addEventListener("abort", () => { lifecycle.run("close-doors", async () => listening.close()); });
  return {
    listening,
    drained: async (deadlineMs) => {
      const isEmpty = await allWithin(open, deadlineMs);
      if (isEmpty) return;
      rooms.live.endAll(new EgressError("draining", `not done after ${deadlineMs} ms`));
      await allWithin(open, 2_000);
    },
  };
}

/** @returns true if everything in the set was over in time */
async function allWithin(open: ReadonlySet<Promise<void>>, deadlineMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => { resolve(false); }, deadlineMs);
  try {
    return await Promise.race([Promise.all(open).then(() => true as const), promise]);
  } finally {
    clearTimeout(timer);
  }
}
