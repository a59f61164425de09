import type { Socket } from "node:net";
import { describeError } from "../../common/lifecycle.ts";
import { EgressError } from "../errors.ts";
import type { AgentIdentity } from "../model/agent.ts";
import { destinationHost, type Accepted, type Introduced, type Opened, type Peer, type SqlStartup } from "../model/connection.ts";
import type { Answered } from "../model/approval.ts";
import type { Ask, Decision, Verdict } from "../model/decision.ts";
import type { Reconsiderable } from "../model/live.ts";
import { recordedAgent, recordedDecision, type ConnectionRecord, type RecordedError, type RecordedSession } from "../model/record.ts";
import { NO_USAGE, type Usage } from "../model/usage.ts";
import type { Noted } from "../policy/hindsight.ts";
import type { PolicyInput } from "../policy/policy-engine.ts";
import type { Rooms } from "../rooms.ts";
import { newConnectionId } from "./connection-id.ts";

/** A socket as the listener hands it over. The listener says which kind of peer it is: a vanished TCP peer has no address to tell by. */
export interface Arrival {
  readonly socket: Socket;
  readonly peer: Peer;
}

/** How far a connection came: its last stage's output. */
export type Progress = Accepted & Partial<Omit<Opened & Introduced, keyof Accepted>>;

/**
 * The record of one connection and what must be undone at its end. Opened before anything can fail, closed last: whatever happens in
 * between, exactly one record of phase "closed" tells how far the connection came.
 */
export class ConnectionEntry implements Reconsiderable {
  readonly accepted: Accepted;
  readonly #rooms: Rooms;
  readonly #lingerMs: number;
  readonly #startedMs: number;
  readonly #end = new AbortController();
  readonly #atClose = new DisposableStack();
  #progress: Progress;
  #decision: Decision | null = null;
  /** What policy was asked and has not answered yet, and what the decision was made on. */
  #asked: PolicyInput | null = null;
  #noted: Noted | null = null;
  #answered: Answered | null = null;
  #error: EgressError | null = null;
  #usage: Usage = NO_USAGE;
  #exchanges = 0;
  /** Of a session: `grant@source#version`, and where it went. */
  #credentials: readonly string[] = [];
  #upstreamAddress: string | null = null;
  #askAgain: (() => Promise<void>) | null = null;

  /** @param lingerMs time that the stages get to end by themselves after {@link end}, in milliseconds */
  constructor(arrival: Arrival, rooms: Rooms, lingerMs: number) {
    this.#rooms = rooms;
    this.#lingerMs = lingerMs;
    this.#startedMs = rooms.clock.monotonicMs();
    const acceptedAtMs = rooms.clock.nowMs();
    this.accepted = { ...arrival, id: newConnectionId(acceptedAtMs), acceptedAtMs, signal: this.#end.signal };
    this.#progress = this.accepted;
    this.#atClose.defer(rooms.live.add(this));
    rooms.metrics.connectionOpened();
  }

  get progress(): Progress {
    return this.#progress;
  }

  get agent(): AgentIdentity | null {
    return this.#progress.agent ?? null;
  }

  /** Notes a stage's output and returns it. */
  reached<T extends Accepted>(stage: T): T {
    this.#progress = stage;
    return stage;
  }

  /** Notes what policy is asked. */
  readonly noteAsked = (input: PolicyInput): void => {
    this.#asked = input;
  };

  decided<D extends Decision>(decision: D): D {
    if (this.#asked !== null) this.#noted = this.#rooms.hindsight.note("connection", [this.#asked], decision);
    this.#asked = null;
    this.#decision = decision;
    return decision;
  }

  /** What a person answered about this connection, if one was asked. */
  get answered(): Answered | null {
    return this.#answered;
  }

  /** For the stage that waits for a person. */
  awaiting(decideAgain: () => Promise<Verdict | Ask>) {
    return { decideAgain, note: (answered: Answered) => { this.#answered = answered; } };
  }

  failed(error: EgressError): void {
    this.#error = error;
  }

  /** Notes what a session logs in with. @param references never values */
  lent(references: readonly string[]): void {
    this.#credentials = references;
  }

  /** Notes which address of its destination a session went to. */
  connectedTo(upstreamAddress: string): void {
    this.#upstreamAddress = upstreamAddress;
  }

  /** Counts one exchange, or one tunnel, or one DNS message. */
  exchangeEnded(usage: Usage): void {
    this.#exchanges += 1;
    this.#usage = {
      requestBytes: this.#usage.requestBytes + usage.requestBytes,
      responseBytes: this.#usage.responseBytes + usage.responseBytes,
    };
  }

  /** Runs at the end, in reverse order. */
  atClose(undo: () => void): void {
    this.#atClose.defer(undo);
  }

  /** From now on a change of policy asks this; before, nothing was allowed that could be taken back. */
  reconsiderBy(askAgain: () => Promise<void>): void {
    this.#askAgain = askAgain;
  }

  async reconsider(): Promise<void> {
    await this.#askAgain?.();
  }

  /** Ends the connection from outside: stages see the signal at once, and the socket is gone after the linger time whatever they do. */
  end(reason: Error): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort(EgressError.from(reason));
    const timer = setTimeout(() => { this.accepted.socket.destroy(); }, this.#lingerMs);
    this.atClose(() => { clearTimeout(timer); });
  }

  /** Undoes, destroys the socket and puts the record in the chain. Never throws. */
  close(): void {
    try {
      this.#atClose.dispose();
      this.accepted.socket.destroy();
      const record = this.record("closed");
      const pending = this.#noted?.pending ?? null;
      // A shadow that has not answered yet holds up the record, never the connection.
      if (pending === null) this.#write(record);
      else void pending.then(() => { this.#write(record); });
    } catch (error) {
      this.#rooms.log.error("connection.close-failed", { connectionId: this.accepted.id, error: describeError(error) });
    }
    this.#rooms.metrics.connectionClosed(this.#error?.outcome ?? "allowed", this.#error?.code ?? "ok");
  }

  /** An unhealthy audit log fails every later commit by itself, so nothing is let through unrecorded. */
  #write(record: ConnectionRecord): void {
    const noted = this.#noted?.recorded(null);
    try {
      this.#rooms.audit.enqueue(record.decision === null ? record : { ...record, decision: { ...record.decision, ...noted } });
    } catch (error) {
      this.#rooms.log.error("connection.close-failed", { connectionId: this.accepted.id, error: describeError(error) });
    }
  }

  record(phase: "opened" | "closed"): ConnectionRecord {
    const { agent, peer, dialled, wire, destination, handling, transport, sql } = this.#progress;
    return {
      kind: "connection",
      phase,
      timeMs: this.#rooms.clock.nowMs(),
      connectionId: this.accepted.id,
      agent: agent === undefined ? null : recordedAgent(agent),
      peerAddress: peer.kind === "tcp" ? peer.address : null,
      dialled: dialled ?? null,
      host: destination === undefined ? null : destinationHost(destination),
      port: dialled?.port ?? null,
      wire: wire?.kind ?? (transport === "dns" ? "dns" : null),
      serverName: wire?.kind === "tls" ? wire.serverName : null,
      handling: handling ?? null,
      decision: this.#decision === null ? null : recordedDecision(this.#decision, this.#answered?.approval),
      outcome: this.#error?.outcome ?? "allowed",
      error: this.#error === null ? null : recordedError(this.#error),
      durationMs: Math.round(this.#rooms.clock.monotonicMs() - this.#startedMs),
      usage: this.#usage,
      exchanges: this.#exchanges,
      ...(sql === undefined ? {} : { session: this.#session(sql) }),
    };
  }

  #session({ user, database, applicationName }: SqlStartup): RecordedSession {
    return { user, database, applicationName, credentials: this.#credentials, upstreamAddress: this.#upstreamAddress };
  }
}

function recordedError(error: EgressError): RecordedError {
  const { code, message, cause, explanation } = error;
  const detail = cause === undefined ? message : `${message}: ${describeError(cause)}`;
  return { code, detail: detail.slice(0, 1_000), ...explanation };
}
