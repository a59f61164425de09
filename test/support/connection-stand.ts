import { EventEmitter, once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { performServerHandshake } from "node:http2";
import { connect as connectSocket, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { systemClock } from "../../common/clock.ts";
import type { AgentIdentity } from "../../common/identity.ts";
import { silentLog } from "../../common/log.ts";
import { encodePreamble, type Transport } from "../../common/preamble.ts";
import { noMetrics } from "../../proxy/admin/metrics.ts";
import { connectionConfig, type ConnectionConfig } from "../../proxy/connection/config.ts";
import { ConnectionSlots } from "../../proxy/connection/connection-slots.ts";
import { listen } from "../../proxy/connection/listen.ts";
import { CancelKeys } from "../../proxy/connection/postgres/cancel-keys.ts";
import { serveConnection } from "../../proxy/connection/serve-connection.ts";
import { EgressError } from "../../proxy/errors.ts";
import { identityConfig } from "../../proxy/identity/config.ts";
import { JwtVerifier } from "../../proxy/identity/jwt-verifier.ts";
import { openLocalIssuer, type LocalIssuer } from "../../proxy/identity/local-issuer.ts";
import type { Opened } from "../../proxy/model/connection.ts";
import type { Allow, Decision, Deny } from "../../proxy/model/decision.ts";
import { noActivity } from "../../proxy/model/activity.ts";
import { configuredHoldings } from "../../proxy/model/holdings.ts";
import { LiveSet } from "../../proxy/model/live.ts";
import type { HandlerContext, ProtocolHandlers } from "../../proxy/model/protocol-handlers.ts";
import type { AuditRecord, ConnectionRecord } from "../../proxy/model/record.ts";
import { SyntheticNames } from "../../proxy/names/synthetic-names.ts";
import { openMcp } from "../../proxy/mcp/open-mcp.ts";
import { openReadings } from "../../proxy/readings/open-readings.ts";
import { noHindsight } from "../../proxy/policy/hindsight.ts";
import type { Answers, PolicyInput, Question } from "../../proxy/policy/policy-engine.ts";
import type { Rooms } from "../../proxy/rooms.ts";
import { LeafAuthority } from "../../proxy/tls/authority.ts";
import { openCa } from "../../proxy/tls/ca.ts";
import { tlsConfig } from "../../proxy/tls/config.ts";
import { noLender } from "./credentials.ts";
import { noApprovals } from "./no-approvals.ts";

export const allow = (handling: "intercept" | "tunnel" = "intercept"): Allow =>
  ({ kind: "allow", rule: "test.allow", handling, grants: [], budgets: [], obligations: {}, revision: "r1" });
export const deny = (reason = "not listed"): Deny => ({ kind: "deny", rule: "test.deny", reason, hint: "List it.", revision: "r1" });

export interface StandOptions {
  readonly decide?: (input: PolicyInput) => Decision | Promise<Decision>;
  readonly config?: Partial<ConnectionConfig>;
  readonly handlers?: Partial<ProtocolHandlers>;
  /** Where tunnels lead, whatever was dialled. */
  readonly tunnelTo?: number;
  readonly tunnelByteLimit?: number;
  /** In place of a ledger that has no budgets. */
  readonly budget?: Rooms["budget"];
  readonly commit?: (record: AuditRecord) => Promise<void>;
  /** Also listens on 127.0.0.1. */
  readonly tcp?: boolean;
}

export interface DialOptions {
  readonly token?: string;
  readonly transport?: Transport;
  readonly family?: 4 | 6;
  /** Needs `tcp` of the stand. */
  readonly overTcp?: boolean;
}

/**
 * The connection path for real: sockets, preambles, tokens, names, certificates. What other rooms decide is scripted by the test; what the
 * audit log would keep is kept in `records`.
 */
export class ConnectionStand {
  readonly records: AuditRecord[] = [];
  /** Names and order of what mattered, for tests on order. */
  readonly trace: string[] = [];
  readonly live = new LiveSet();
  readonly names = new SyntheticNames(systemClock);
  readonly folder = mkdtempSync(join(tmpdir(), "weir-stand-"));
  readonly socketPath = join(this.folder, "run", "proxy.sock");
  readonly agent: AgentIdentity = { namespace: "default", name: "coder", thread: "t1", instance: "i1", user: "", labels: {}, chain: [] };
  decide: (input: PolicyInput) => Decision | Promise<Decision>;
  issuer!: LocalIssuer;
  caPem = "";
  tcpPort = 0;
  slots!: ConnectionSlots;
  readonly minted: string[] = [];
  readonly sockets = new Set<Socket>();
  readonly #news = new EventEmitter();
  #close: () => Promise<void> = async () => {};

  private constructor(options: StandOptions) {
    this.decide = options.decide ?? (() => allow());
  }

  static async open(options: StandOptions = {}): Promise<ConnectionStand> {
    const stand = new ConnectionStand(options);
    await stand.#open(options);
    return stand;
  }

  async #open(options: StandOptions): Promise<void> {
    const config = connectionConfig.parse({ lingerMs: 200, ...options.config });
    const ca = await openCa(this.folder);
    this.caPem = ca.caPem;
    this.issuer = await openLocalIssuer(join(this.folder, "issuer"));
    this.slots = new ConnectionSlots(config);
    const leaves = new LeafAuthority(ca, tlsConfig.parse({}), systemClock);
    const rooms: Rooms = {
      clock: systemClock, log: silentLog, metrics: noMetrics, live: this.live, names: this.names, activity: noActivity, holdings: configuredHoldings,
      identity: new JwtVerifier(identityConfig.parse({}), { clock: systemClock, localIssuer: this.issuer }),
      policy: {
        revision: "r1", onChange: () => () => {},
        decide: async <Q extends Question>(_question: Q, input: PolicyInput) => await this.decide(input) as Answers[Q],
        decideAll: async <Q extends Question>(_question: Q, parts: readonly PolicyInput[]) => await Promise.all(parts.map(async (part) => this.decide(part))) as Answers[Q][],
      },
      credentials: noLender,
      get metering(): never { throw new Error("a connection meters no model"); },
      readings: openReadings(openMcp().read), mcp: openMcp(), approvals: noApprovals, hindsight: noHindsight,
      authority: { caPem: ca.caPem, contextFor: async (host) => { this.minted.push(host); return leaves.contextFor(host); } },
      ...this.#scripted(options),
      ...(options.budget === undefined ? {} : { budget: options.budget }),
    };
    const drain = new AbortController();
    const deps = { config, slots: this.slots, cancelKeys: new CancelKeys(), handlers: { ...HANDLERS, ...options.handlers }, drain: drain.signal };
    const listening = await listen({ socketPath: this.socketPath, address: options.tcp === true ? "127.0.0.1:0" : undefined }, config.maxConnections, (arrival) => {
      void serveConnection(arrival, rooms, deps);
    });
    this.tcpPort = listening.address?.port ?? 0;
    this.#close = async () => listening.close();
  }

  #scripted({ tunnelTo, tunnelByteLimit = Number.POSITIVE_INFINITY, commit }: StandOptions): Pick<Rooms, "audit" | "budget" | "upstream"> {
    let taken = 0;
    return {
      audit: {
        isHealthy: true,
        enqueue: (record) => {
          this.records.push(record);
          this.#news.emit("record");
        },
        commit: async (record) => {
          await commit?.(record);
          this.trace.push(`commit ${record.kind}`);
          this.records.push(record);
          return { sequence: this.records.length, hash: "" };
        },
      },
      budget: {
        standing: () => ({}), learn: () => null, metersFor: () => new Set(), headroom: async () => ({}),
        reserve: async () => {
          this.trace.push("reserve");
          return {
            refill: null, extend: async () => true,
            refusal: new EgressError("budget.exhausted", "over", { explanation: { rule: "budget.team-a", reason: "all bytes are used", hint: "ask" } }),
            take: (_direction, bytes) => (taken += bytes) <= tunnelByteLimit,
            settle: async (used) => { this.trace.push(`settle ${used["bytes-out"]}+${used["bytes-in"]}`); },
            release: async () => { this.trace.push("release"); },
          };
        },
      },
      upstream: {
        send: () => { throw new EgressError("internal", "not here"); },
        closeInstance: async () => {},
        secureTunnel: () => { throw new EgressError("internal", "not here"); },
        openTunnel: async () => {
          if (tunnelTo === undefined) throw new EgressError("upstream.unreachable", "nothing there");
          this.trace.push("dial");
          const stream = connectSocket({ port: tunnelTo, host: "127.0.0.1", allowHalfOpen: true });
          await once(stream, "connect");
          return { stream, remoteAddress: "127.0.0.1" };
        },
      },
    };
  }

  /** A connection as the sidecar would open it: preamble first. `to` is a name (resolved for this agent) or an address. */
  async dial(to: string, port = 443, options: DialOptions = {}): Promise<Socket> {
    const isAddress = /^[0-9.]+$|:/.test(to);
    const address = isAddress ? to : this.names.addressFor(this.agent.instance, to, options.family ?? 4);
    const source = { address: address.includes(":") ? "fd00:255::2" : "10.255.0.2", port: 40_000 };
    const token = options.token ?? await this.issuer.mint(this.agent, 60_000, "127.0.0.1");
    const socket = await this.raw(options.overTcp);
    socket.write(encodePreamble({ transport: options.transport ?? "tcp", source, destination: { address, port }, token, connectionId: "c1" }));
    return socket;
  }

  /** A connection without a preamble. */
  async raw(overTcp = false): Promise<Socket> {
    const where = overTcp ? { host: "127.0.0.1", port: this.tcpPort } : { path: this.socketPath };
    const socket = connectSocket({ ...where, allowHalfOpen: true });
    this.sockets.add(socket);
    socket.on("error", () => {});
    await once(socket, "connect");
    return socket;
  }

  /** Dials a name and starts TLS as a client that trusts the boundary. */
  async dialTls(name: string, options: ConnectionOptions = {}, port = 443): Promise<TLSSocket> {
    const stream = connectTls({ socket: await this.dial(name, port), servername: name, ca: this.caPem, ...options });
    stream.on("error", () => {});
    return stream;
  }

  /** The record with which the n-th connection closed, once it is there. */
  async closed(count = 1, deadlineMs = 8_000): Promise<ConnectionRecord> {
    const bound = AbortSignal.timeout(deadlineMs);
    for (;;) {
      const record = this.#closedOnes()[count - 1];
      if (record !== undefined) return record;
      await once(this.#news, "record", { signal: bound }).catch(() => {
        throw new Error(`no ${count} closed connections after ${deadlineMs} ms: ${JSON.stringify(this.#closedOnes())}`);
      });
    }
  }

  #closedOnes(): ConnectionRecord[] {
    return this.records.filter((record): record is ConnectionRecord => record.kind === "connection" && record.phase === "closed");
  }

  async close(): Promise<void> {
    this.live.endAll(new EgressError("draining", "the test is over"));
    for (const socket of this.sockets) socket.destroy();
    await this.#close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const http1 = createHttpServer((request, response) => { response.end(`${request.method} ${request.url} ${request.headers.host}`); });

/** Handlers that answer every request with what they saw of it. */
const HANDLERS: ProtocolHandlers = {
  serveHttp1: async ({ stream, signal }: Opened, context: HandlerContext) => {
    signal.addEventListener("abort", () => { stream.destroy(); });
    http1.emit("connection", stream);
    await once(stream, "close");
    context.exchangeEnded({ requestBytes: 1, responseBytes: 2 });
  },
  serveHttp2: async ({ stream, signal }: Opened) => {
    const session = performServerHandshake(stream);
    session.on("error", () => {});
    session.on("stream", (h2, headers) => { h2.respond({ ":status": 200 }); h2.end(`h2 ${String(headers[":path"])}`); });
    signal.addEventListener("abort", () => { session.destroy(); });
    await once(session, "close");
  },
  serveDns: async ({ socket }, context) => {
    socket.on("data", (message: Buffer) => { context.exchangeEnded({ requestBytes: message.byteLength, responseBytes: 0 }); socket.end(message); });
    await once(socket, "close");
  },
};

/** All that a stream says until it ends, errors or is closed. */
export async function readToEnd(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => { chunks.push(chunk); });
  if (!stream.readableEnded && !stream.destroyed) {
    const { promise, resolve } = Promise.withResolvers<void>();
    stream.once("end", resolve).once("close", () => { resolve(); }).once("error", () => { resolve(); });
    await promise;
  }
  return Buffer.concat(chunks);
}
