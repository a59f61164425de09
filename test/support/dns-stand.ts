import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { systemClock, type Clock } from "../../common/clock.ts";
import { noMetrics } from "../../proxy/admin/metrics.ts";
import { dnsConfig, type DnsConfig } from "../../proxy/dns/config.ts";
import { frame, MessageReader } from "../../proxy/dns/read-messages.ts";
import { openDns } from "../../proxy/dns/serve-query.ts";
import { EgressError } from "../../proxy/errors.ts";
import type { Identified } from "../../proxy/model/connection.ts";
import type { Decision } from "../../proxy/model/decision.ts";
import type { AuditRecord, NameRecord } from "../../proxy/model/record.ts";
import { SyntheticNames } from "../../proxy/names/synthetic-names.ts";
import { noHindsight } from "../../proxy/policy/hindsight.ts";
import type { Answers, PolicyInput, Question } from "../../proxy/policy/policy-engine.ts";
import { Secret } from "../../common/secret.ts";

export const ALLOW: Decision = { kind: "allow", rule: "names.listed", handling: "intercept", grants: [], budgets: [], obligations: {}, revision: "1" };
export const DENY: Decision = { kind: "deny", rule: "names.default", reason: "name not listed", hint: "ask for it", revision: "1" };

export interface StandOptions {
  readonly config?: Partial<DnsConfig>;
  readonly clock?: Clock;
  readonly decide?: (input: PolicyInput) => Decision | Promise<Decision>;
  readonly instance?: string;
  readonly isAuditBroken?: boolean;
  /** Wall clock; default never. */
  readonly identityExpiresAtMs?: number;
}

/** The DNS path alone, behind a real socket: what a sidecar's tagged connection reaches once it is identified. */
export class DnsStand implements AsyncDisposable {
  readonly records: NameRecord[] = [];
  readonly names: SyntheticNames;
  readonly inputs: PolicyInput[] = [];
  readonly drain = new AbortController();
  readonly ending = new AbortController();
  /** How each connection's handler ended: null, or its rejection. */
  readonly ends: (EgressError | null)[] = [];
  exchanges = 0;
  port = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(options: StandOptions) {
    const clock = options.clock ?? systemClock;
    this.names = new SyntheticNames(clock);
    const keep = (record: AuditRecord): void => {
      if (options.isAuditBroken === true) throw new EgressError("audit.unavailable", "no space left");
      this.records.push(record as NameRecord);
    };
    const serve = openDns(dnsConfig.parse(options.config ?? {}), {
      clock, names: this.names, metrics: noMetrics,
      hindsight: noHindsight,
      audit: { commit: async () => Promise.reject(new Error("names are not committed")), enqueue: keep, isHealthy: true },
      policy: {
        revision: "1", onChange: () => () => { /* never changes */ }, decideAll: async () => Promise.reject(new Error("a name has no parts")),
        decide: async <Q extends Question>(_question: Q, input: PolicyInput) => {
          this.inputs.push(input);
          return (options.decide ?? (() => ALLOW))(input) as Answers[Q];
        },
      },
    });
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => { socket.destroy(); });
      serve(identified(socket, options, this.ending.signal), { drain: this.drain.signal, exchangeEnded: () => { this.exchanges += 1; } })
        .then(() => this.ends.push(null), (error: unknown) => { this.ends.push(EgressError.from(error)); socket.destroy(); });
    });
  }

  static async open(options: StandOptions = {}): Promise<DnsStand> {
    const stand = new DnsStand(options);
    stand.#server.listen(0, "127.0.0.1");
    await once(stand.#server, "listening");
    stand.port = (stand.#server.address() as AddressInfo).port;
    return stand;
  }

  async connect(): Promise<DnsClient> {
    const socket = connect(this.port, "127.0.0.1");
    await once(socket, "connect");
    return new DnsClient(socket);
  }

  /** Asks one question on a connection of its own. */
  async ask(message: Buffer): Promise<Buffer> {
    const client = await this.connect();
    client.send(message);
    const answer = await client.next();
    client.socket.destroy();
    return answer;
  }

  /** What the sidecar does: each datagram's flow gets a tagged connection. @returns its port */
  async relayDatagrams(): Promise<{ readonly port: number; close(): void }> {
    const relay = createSocket("udp4");
    const flows = new Map<number, DnsClient>();
    relay.on("message", (message, { port, address }) => {
      void (async () => {
        const client = flows.get(port) ?? await this.connect();
        flows.set(port, client);
        client.send(message);
        relay.send(await client.next(), port, address);
      })();
    });
    relay.bind(0, "127.0.0.1");
    await once(relay, "listening");
    return { port: relay.address().port, close: () => { closeRelay(relay, flows); } };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** The sidecar's end of a tagged DNS connection. */
export class DnsClient {
  readonly socket: Socket;
  readonly #reader = new MessageReader();
  readonly #answers: Buffer[] = [];
  #isOver = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => { this.#answers.push(...this.#reader.push(chunk)); this.socket.emit("answers"); });
    socket.on("error", () => { /* told by close */ });
    socket.on("end", () => { this.#isOver = true; this.socket.emit("answers"); });
    socket.on("close", () => { this.#isOver = true; this.socket.emit("answers"); });
  }

  send(message: Buffer): void {
    this.socket.write(frame(message));
  }

  /** The next answer; throws if the connection ends first. */
  async next(): Promise<Buffer> {
    for (;;) {
      const answer = this.#answers.shift();
      if (answer !== undefined) return answer;
      if (this.#isOver) throw new Error("the connection ended without an answer");
      await once(this.socket, "answers");
    }
  }
}

function closeRelay(relay: DatagramSocket, flows: ReadonlyMap<number, DnsClient>): void {
  relay.close();
  for (const { socket } of flows.values()) socket.destroy();
}

function identified(socket: Socket, { instance = "one", identityExpiresAtMs = Number.MAX_SAFE_INTEGER }: StandOptions, signal: AbortSignal): Identified {
  return {
    id: "c1", socket, peer: { kind: "unix" }, acceptedAtMs: 0, signal, token: new Secret("token"), transport: "dns", dialled: { address: "127.0.0.53", port: 53 },
    agent: { namespace: "local", name: "agent", thread: "t", instance, user: "u", labels: { tier: "test" }, chain: [], expiresAtMs: identityExpiresAtMs },
  };
}
