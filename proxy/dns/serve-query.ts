import { EgressError } from "../errors.ts";
import type { Identified } from "../model/connection.ts";
import type { ProtocolHandlers } from "../model/protocol-handlers.ts";
import type { Rooms } from "../rooms.ts";
import { answerQuery, refuseMalformed, refuseQuery } from "./answer-query.ts";
import type { DnsConfig } from "./config.ts";
import { decideName, type NameDeciders } from "./decide-name.ts";
import { encodeAnswer, type Answer } from "./encode-answer.ts";
import { noteQuery, type QueryEnd } from "./note-query.ts";
import { parseQuery, type Malformed, type Query } from "./parse-query.ts";
import { QueryLimiter, type Admission } from "./query-limiter.ts";
import { readMessages, writeMessage } from "./read-messages.ts";

type ServeDns = ProtocolHandlers["serveDns"];
export type DnsRooms = Pick<Rooms, "audit" | "clock" | "hindsight" | "metrics" | "names" | "policy">;

/**
 * The contents page of the DNS path: read-messages → parse-query → query-limiter → decide-name → answer-query → note-query → encode-answer.
 * No query ever leaves the node: a name either gets the synthetic address that stands for it, or does not exist.
 */
export function openDns(config: DnsConfig, rooms: DnsRooms): ServeDns {
  const path = new DnsPath(config, rooms);
  return async (identified, context) => path.serveConnection(identified, context);
}

class DnsPath {
  readonly #config: DnsConfig;
  readonly #rooms: DnsRooms;
  readonly #limiter: QueryLimiter;

  constructor(config: DnsConfig, rooms: DnsRooms) {
    this.#config = config;
    this.#rooms = rooms;
    this.#limiter = new QueryLimiter(config.queriesPerSecond, config.queryBurst, rooms.clock);
  }

  async serveConnection(identified: Identified, { drain, exchangeEnded }: Parameters<ServeDns>[1]): Promise<void> {
    const { socket, signal } = identified;
    let isBusy = false;
    let count = 0;
    const end = (): void => { socket.destroy(); };
    const endWhenIdle = (): void => { if (!isBusy) end(); };
    signal.throwIfAborted();
    if (drain.aborted) return end();
    socket.setTimeout(this.#config.idleTimeoutMs, end);
    signal.addEventListener("abort", end, { once: true });
    drain.addEventListener("abort", endWhenIdle, { once: true });
    try {
      for await (const message of readMessages(socket)) {
        isBusy = true;
        const answer = await this.#serveQuery(message, `${identified.id}.${count += 1}`, identified);
        exchangeEnded({ requestBytes: message.length, responseBytes: answer?.length ?? 0 });
        if (answer !== null) await writeMessage(socket, answer);
        isBusy = false;
        if (drain.aborted) break;
      }
      signal.throwIfAborted();
      socket.end();
    } finally {
      signal.removeEventListener("abort", end);
      drain.removeEventListener("abort", endWhenIdle);
      socket.setTimeout(0);
    }
  }

  /** The way of one message. Never rejects: whatever goes wrong is told to the agent as a DNS code and recorded. */
  async #serveQuery(message: Buffer, queryId: string, identified: Identified): Promise<Buffer | null> {
    const parsed = parseQuery(message);
    const query = parsed.kind === "query" ? parsed.query : null;
    const admission = this.#limiter.admit(identified.agent.instance);
    let decided: QueryEnd["decided"] = null;
    try {
      if (parsed.kind === "malformed") throw new EgressError("name.malformed", parsed.detail);
      if (admission !== "admitted") throw new EgressError("name.flood", `more than ${this.#config.queriesPerSecond} queries per second`);
      const noteDecided: NameDeciders["noteDecided"] = (decision, noted) => { decided = { decision, noted }; };
      await decideName(parsed.query, identified.agent, { ...this.#rooms, noteDecided }, identified.signal);
      const answer = answerQuery(parsed.query, identified.agent.instance, this.#rooms.names, this.#config.ttlSeconds);
      noteQuery({ queryId, identified, query, address: answer.address, error: null, decided }, this.#rooms);
      return encodeAnswer(answer);
    } catch (error) {
      const reason = EgressError.from(error);
      this.#noteRefusal(admission, () => { noteQuery({ queryId, identified, query, address: null, error: reason, decided }, this.#rooms); });
      const answer = this.#refusal(parsed.kind === "query" ? parsed.query : parsed, reason);
      return answer === null ? null : encodeAnswer(answer);
    }
  }

  #refusal(parsed: Query | Malformed, reason: EgressError): Answer | null {
    const { ttlSeconds } = this.#config;
    return "kind" in parsed ? refuseMalformed(parsed, ttlSeconds) : refuseQuery(parsed, reason, ttlSeconds);
  }

  /** A flood is recorded when it begins, not once for each query: it must not fill the audit. A refusal stands without its record too. */
  #noteRefusal(admission: Admission, note: () => void): void {
    if (admission === "flooding") return;
    try {
      note();
    } catch {
      // The audit is unhealthy: nothing is allowed from now on, and its own path reports why.
    }
  }
}
