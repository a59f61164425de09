import { describeError } from "../../common/lifecycle.ts";
import { EgressError } from "../errors.ts";
import { isDns } from "../model/connection.ts";
import type { ProtocolHandlers } from "../model/protocol-handlers.ts";
import type { Rooms } from "../rooms.ts";
import { accept } from "./accept.ts";
import { askPolicy } from "./ask-policy.ts";
import { awaitApproval } from "./await-approval.ts";
import { classify, type MayServerSpeakFirst } from "./classify.ts";
import { closeGently } from "./close-gently.ts";
import type { ConnectionConfig } from "./config.ts";
import { ConnectionEntry, type Arrival } from "./connection-entry.ts";
import type { ConnectionSlots } from "./connection-slots.ts";
import { handOver } from "./hand-over.ts";
import { identify } from "./identify.ts";
import { intercept } from "./intercept.ts";
import { locate } from "./locate.ts";
import type { CancelKeys } from "./postgres/cancel-keys.ts";
import { serveSession } from "./postgres/serve-session.ts";
import { endAtExpiry, reconsiderOnChange } from "./reconsider.ts";
import { refuseConnection } from "./refuse-connection.ts";
import { screen } from "./screen.ts";
import { countConnection } from "./toll.ts";
import { tunnel } from "./tunnel.ts";

export interface ConnectionDeps {
  readonly config: ConnectionConfig;
  /** One for the whole proxy. */
  readonly slots: ConnectionSlots;
  readonly handlers: ProtocolHandlers;
  /** One for the whole proxy. */
  readonly cancelKeys: CancelKeys;
  /** Aborts when the program begins to stop. */
  readonly drain: AbortSignal;
}

/**
 * The contents page of a connection, in reading order (ARCHITECTURE.md has the table). Opens its record first and
 * closes it last. Never rejects: whatever ends the connection early is told to the agent in one place and recorded.
 */
export async function serveConnection(arrival: Arrival, rooms: Rooms, deps: ConnectionDeps): Promise<void> {
  const entry = new ConnectionEntry(arrival, rooms, deps.config.lingerMs);
  const { signal } = entry.accepted;
  try {
    await walk(entry, rooms, deps);
    signal.throwIfAborted();
  } catch (error) {
    const reason = EgressError.from(signal.aborted ? signal.reason : error);
    entry.failed(reason);
    await refuseConnection(entry.progress, reason, deps.config.lingerMs).catch((failure: unknown) => {
      rooms.log.error("connection.refusal-failed", { connectionId: entry.accepted.id, error: describeError(failure) });
    });
  } finally {
    entry.close();
  }
}

async function walk(entry: ConnectionEntry, rooms: Rooms, deps: ConnectionDeps): Promise<void> {
  const { config, handlers, slots, drain } = deps;
  const context = { drain, exchangeEnded: entry.exchangeEnded.bind(entry) };

  const accepted = accept(entry, slots);
  const identified = entry.reached(await identify(accepted, rooms.identity, config.preambleTimeoutMs));
  slots.identify(identified.id, identified.agent.instance);
  endAtExpiry(identified, rooms, entry);
  if (isDns(identified)) return handlers.serveDns(identified, context);

  const heard = entry.reached(await classify(identified, mayServerSpeakFirst(rooms), config));
  const classified = entry.reached(locate(heard, rooms.names));
  const decision = entry.decided(await askPolicy(classified, rooms, entry.noteAsked));
  const verdict = entry.decided(await awaitApproval(classified, { decision, ...entry.awaiting(async () => askPolicy(classified, rooms)) }, rooms));
  const screened = entry.reached(screen(classified, verdict));
  await reconsiderOnChange(screened, rooms, entry);
  if (screened.handling === "tunnel") return tunnel(screened, rooms, entry, config.tunnelIdleTimeoutMs);
  if (screened.handling === "postgres") return serveSession(screened, rooms, entry, deps);

  await countConnection(screened, rooms);
  const opened = entry.reached(await intercept(screened, rooms.authority, config.handshakeTimeoutMs));
  await handOver(opened, handlers, context);
  await closeGently(opened.stream, Buffer.alloc(0), config.lingerMs);
}

function mayServerSpeakFirst(rooms: Rooms): MayServerSpeakFirst {
  return async (silent) => {
    const decision = await askPolicy(locate(silent, rooms.names), rooms);
    const allow = decision.kind === "ask" ? decision.allow : decision;
    return allow.kind === "allow" && allow.handling === "tunnel";
  };
}
