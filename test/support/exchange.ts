import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import type { Clock } from "../../common/clock.ts";
import { silentLog } from "../../common/log.ts";
import { Secret } from "../../common/secret.ts";
import { noMetrics } from "../../proxy/admin/metrics.ts";
import type { Amounts } from "../../common/meters.ts";
import type { Direction, Reservation } from "../../proxy/budget/budget-ledger.ts";
import { NO_LOAN, type Loan } from "../../proxy/model/loan.ts";
import { EgressError } from "../../proxy/errors.ts";
import { exchangeConfig } from "../../proxy/exchange/config.ts";
import type { ExchangeConfig } from "../../proxy/exchange/config.ts";
import { openExchanges } from "../../proxy/exchange/serve-exchange.ts";
import type { Opened } from "../../proxy/model/connection.ts";
import type { Allow, Decision, Deny } from "../../proxy/model/decision.ts";
import type { ServeExchange } from "../../proxy/model/incoming.ts";
import { noActivity } from "../../proxy/model/activity.ts";
import { configuredHoldings, type HoldingsBook } from "../../proxy/model/holdings.ts";
import { LiveSet } from "../../proxy/model/live.ts";
import type { AuditRecord, ExchangeRecord } from "../../proxy/model/record.ts";
import type { HeaderList, OutboundHead } from "../../proxy/model/request.ts";
import type { Usage } from "../../proxy/model/usage.ts";
import { openMcp } from "../../proxy/mcp/open-mcp.ts";
import { openReadings } from "../../proxy/readings/open-readings.ts";
import { noHindsight } from "../../proxy/policy/hindsight.ts";
import type { Answers, PolicyInput, Question } from "../../proxy/policy/policy-engine.ts";
import { protocolsConfig } from "../../proxy/protocols/config.ts";
import type { ProtocolsConfig } from "../../proxy/protocols/config.ts";
import { openHttp1 } from "../../proxy/protocols/http1.ts";
import { openHttp2 } from "../../proxy/protocols/http2.ts";
import type { Rooms } from "../../proxy/rooms.ts";
import { FakeUpstream } from "./exchange-upstream.ts";
import { noLender } from "./credentials.ts";
import { noApprovals } from "./no-approvals.ts";

export class FakeClock implements Clock {
  wallMs = Date.UTC(2026, 10, 1);
  sinceStartMs = 0;

  nowMs(): number {
    return this.wallMs;
  }

  monotonicMs(): number {
    return this.sinceStartMs;
  }

  advance(ms: number): void {
    this.wallMs += ms;
    this.sinceStartMs += ms;
  }
}

export function allow(over: Partial<Allow> = {}): Allow {
  return { kind: "allow", rule: "test.allow", handling: "intercept", grants: [], budgets: [], obligations: {}, revision: "r1", ...over };
}

export function deny(over: Partial<Deny> = {}): Deny {
  return { kind: "deny", rule: "test.deny", reason: "not listed", hint: "list it", revision: "r1", ...over };
}

/** Rooms whose answers a test sets, and that remember what they were asked. */
export class FakeRooms {
  readonly clock = new FakeClock();
  readonly live = new LiveSet();
  readonly upstream = new FakeUpstream();
  readonly asked: PolicyInput[] = [];
  readonly records: { readonly phase: string; readonly record: AuditRecord; readonly sentBefore: number }[] = [];
  readonly reservations: FakeReservation[] = [];
  readonly logged: { event: string; fields: Record<string, unknown> }[] = [];
  answer: (input: PolicyInput) => Decision | Promise<Decision> = () => allow();
  loan: Loan = NO_LOAN;
  lendFault: EgressError | null = null;
  reserveFault: EgressError | null = null;
  commitFault: EgressError | null = null;
  holdings: HoldingsBook["of"] = configuredHoldings.of;
  byteLimit = Number.POSITIVE_INFINITY;

  readonly rooms: Rooms = {
    clock: this.clock, live: this.live, upstream: this.upstream, metrics: noMetrics, activity: noActivity,
    holdings: { of: (agent) => this.holdings(agent) },
    log: { ...silentLog, error: (event, fields = {}) => { this.logged.push({ event, fields }); } },
    policy: {
      revision: "r1", onChange: () => () => {},
      decide: async <Q extends Question>(_question: Q, input: PolicyInput) => { this.asked.push(input); return await this.answer(input) as Answers[Q]; },
      decideAll: async <Q extends Question>(_question: Q, parts: readonly PolicyInput[]) => {
        this.asked.push(...parts);
        return await Promise.all(parts.map(async (part) => this.answer(part))) as Answers[Q][];
      },
    },
    credentials: { ...noLender, lend: async () => { if (this.lendFault !== null) throw this.lendFault; return this.loan; } },
    budget: {
      reserve: async () => {
        if (this.reserveFault !== null) throw this.reserveFault;
        const reservation = new FakeReservation(this.byteLimit);
        this.reservations.push(reservation);
        return reservation;
      },
      standing: () => ({}), learn: () => null, metersFor: () => new Set(), headroom: async () => ({}),
    },
    readings: openReadings(openMcp().read), mcp: openMcp(), approvals: noApprovals, hindsight: noHindsight,
    metering: { shortage: { whenShort: "clamp", leastOutputTokens: 256 }, recognise: () => ({ kind: "other" }), read: async () => { throw new Error("nothing was recognised"); }, refusal: () => null },
    audit: {
      isHealthy: true,
      commit: async (record) => {
        if (this.commitFault !== null) throw this.commitFault;
        this.#note(record);
        return { sequence: this.records.length, hash: "" };
      },
      enqueue: (record) => { this.#note(record); },
    },
    get identity(): never { throw new Error("an exchange verifies no token"); },
    get names(): never { throw new Error("an exchange resolves no name"); },
    get authority(): never { throw new Error("an exchange mints no certificate"); },
  };

  #note(record: AuditRecord): void {
    this.records.push({ phase: "phase" in record ? record.phase : "", record, sentBefore: this.upstream.requests.length });
  }

  closed(): ExchangeRecord[] {
    return this.records.filter(({ phase }) => phase === "closed").map(({ record }) => record as ExchangeRecord);
  }

  decided(): ExchangeRecord[] {
    return this.records.filter(({ phase }) => phase === "decided").map(({ record }) => record as ExchangeRecord);
  }
}

class FakeReservation implements Reservation {
  readonly refill = null;
  taken = 0;
  refusal: EgressError | null = null;
  ended: "settled" | "released" | null = null;
  used: Amounts | null = null;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  take(_direction: Direction, bytes: number): boolean {
    this.taken += bytes;
    if (this.taken <= this.#limit) return true;
    this.refusal = new EgressError("budget.exhausted", "over", { explanation: { rule: "budget.team-a", reason: "all bytes are used", hint: "ask" } });
    return false;
  }

  async extend(): Promise<boolean> {
    return true;
  }

  async settle(used: Amounts): Promise<void> {
    if (this.ended !== null) throw new Error(`settled after ${this.ended}`);
    this.ended = "settled";
    this.used = used;
  }

  async release(): Promise<void> {
    if (this.ended !== null) throw new Error(`released after ${this.ended}`);
    this.ended = "released";
  }
}

/** What `api.ok:443` looks like once it is open. */
export function opened(over: Partial<Opened> = {}): Opened {
  return {
    id: "c1", socket: null as never, stream: null as never, peer: { kind: "unix" }, acceptedAtMs: 0, signal: new AbortController().signal,
    agent: { namespace: "default", name: "researcher", thread: "t1", instance: "i1", user: "ann", labels: { team: "a" }, chain: [], expiresAtMs: Number.POSITIVE_INFINITY },
    token: new Secret("token"), transport: "tcp", dialled: { address: "198.18.0.1", port: 443 },
    wire: { kind: "tls", serverName: "api.ok", alpn: ["http/1.1"] }, destination: { kind: "name", name: "api.ok", port: 443 },
    handling: "intercept", decision: allow(), alpn: "http/1.1", scheme: "https", ...over,
  };
}

export interface WireOptions {
  readonly exchange?: Partial<ExchangeConfig>;
  readonly http1?: Partial<ProtocolsConfig["http1"]>;
  readonly http2?: Partial<ProtocolsConfig["http2"]>;
  readonly opened?: Partial<Opened>;
}

const BYTEWISE_BYTES = 2_048;

/** The real handlers and the real exchange path behind a real loopback socket; only the rooms are fakes. */
export class Wire {
  readonly fakes = new FakeRooms();
  readonly hardEnd = new AbortController();
  readonly drain = new AbortController();
  readonly usages: Usage[] = [];
  readonly serve: ServeExchange;
  connectionsEnded = 0;
  readonly #server: Server;
  readonly #close: () => void;

  constructor(protocol: "h1" | "h2", options: WireOptions = {}) {
    const exchanges = openExchanges(this.fakes.rooms, exchangeConfig.parse(options.exchange ?? {}));
    const config = protocolsConfig.parse({ http1: options.http1 ?? {}, http2: options.http2 ?? {} });
    this.serve = exchanges.serve;
    const http1 = openHttp1(config.http1, exchanges.serve);
    const http2 = openHttp2(config.http2, exchanges.serve);
    const context = { exchangeEnded: (usage: Usage) => { this.usages.push(usage); }, drain: this.drain.signal };
    let connections = 0;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      connections += 1;
      const connection = opened({ id: `c${connections}`, socket, stream: socket, signal: this.hardEnd.signal, alpn: protocol === "h2" ? "h2" : "http/1.1", ...options.opened });
      const serving = protocol === "h2" ? http2.serveHttp2(connection, context) : http1.serveHttp1(connection, context);
      void serving.then(() => { this.connectionsEnded += 1; });
    });
    this.#close = () => { http1.close(); http2.close(); exchanges.close(); };
  }

  async listen(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  async connect(): Promise<Socket> {
    const port = this.#server.listening ? (this.#server.address() as AddressInfo).port : await this.listen();
    const socket = connect(port, "127.0.0.1");
    socket.setNoDelay(true);
    socket.on("error", () => {});
    await once(socket, "connect");
    return socket;
  }

  /** Writes bytes, half-closes nothing, and gathers what comes back until the connection ends or `until` says that it is enough. */
  async talk(bytes: Buffer | string, options: { readonly byteAtATime?: boolean; readonly until?: (text: string) => boolean } = {}): Promise<string> {
    const socket = await this.connect();
    const seen = gather(socket, options.until);
    const all = Buffer.from(bytes as string, "latin1");
    if (options.byteAtATime === true) {
      for (let at = 0; at < all.byteLength && !socket.destroyed && socket.writable;) {
        // Byte by byte where it matters; a filler of kilobytes only has to arrive in many pieces.
        const piece = all.subarray(at, at + (at < BYTEWISE_BYTES ? 1 : 256));
        at += piece.byteLength;
        socket.write(piece);
        await new Promise(setImmediate);
      }
    } else {
      socket.write(all);
    }
    const text = await seen;
    socket.destroy();
    return text;
  }

  async close(): Promise<void> {
    this.hardEnd.abort(new EgressError("draining", "test over"));
    this.#close();
    this.#server.close();
    await once(this.#server, "close").catch(() => {});
  }
}

/** Everything that a socket says, as latin1, until it ends or `until` is satisfied. */
export function gather(socket: Socket, until: (text: string) => boolean = () => false): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    if (until(text)) resolve(text);
  });
  socket.on("close", () => { resolve(text); }).on("end", () => { resolve(text); });
  return promise;
}

/** Waits for a fact of the running system without sleeping for a fixed time. */
export async function eventually(fact: () => boolean, what = "the expected state", withinMs = 4_000): Promise<void> {
  const startedMs = performance.now();
  while (!fact()) {
    if (performance.now() - startedMs > withinMs) throw new Error(`not reached: ${what}`);
    await new Promise(setImmediate);
  }
}

/** Field values as they are on the wire, secrets included. */
export function sentHeaders(head: OutboundHead): HeaderList {
  return head.headers.map(([name, value]) => [name, value instanceof Secret ? value.reveal() : value] as const);
}
